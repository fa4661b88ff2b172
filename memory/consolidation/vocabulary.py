"""Words that the rules of memory/consolidation/rules.py know."""

from __future__ import annotations

from memory.text import UNITS
from memory.time_words import MONTHS, WEEKDAYS

KIN = tuple(
    """mother mom mum father dad sister brother wife husband partner girlfriend boyfriend fiance fiancee son daughter
    stepson stepdaughter grandmother grandma grandfather grandpa grandson granddaughter aunt uncle niece nephew cousin
    friend neighbour neighbor roommate flatmate housemate boss manager colleague coworker landlord landlady doctor dentist
    therapist teacher coach tutor trainer mentor
    dog puppy cat kitten parrot hamster rabbit horse pony turtle tortoise goldfish canary pet""".split()
)
HAD = tuple(
    """dogs cats kids children sons daughters sisters brothers siblings grandchildren puppies kittens horses rabbits
    hamsters twins pets car motorcycle motorbike bike bicycle boat van house cottage cabin garden piano guitar violin""".split()
)
ATTRIBUTES = tuple(
    part.strip()
    for part in """phone number|mobile number|email address|email|home address|address|birthday|anniversary|blood type|shoe size
    |job title|hometown|nationality|star sign|native language|first language|office|desk|room number|locker""".split(
        "|"
    )
)
NUMBERS = rf"(?:\d+|{'|'.join(UNITS[1:13])})"
ROLES = tuple(
    """accountant actor actress analyst anthropologist architect artist assistant astronomer athlete attorney author baker
    banker barber barista bartender biologist bookkeeper bricklayer builder butcher carpenter cashier chef chemist coach
    consultant cook counselor counsellor courier curator dancer dentist designer detective developer director doctor driver
    economist editor electrician engineer farmer firefighter fisherman florist freelancer gardener geologist guard hairdresser
    historian illustrator inspector instructor interpreter janitor jeweller journalist judge lawyer lecturer librarian
    linguist locksmith machinist magician manager mathematician mechanic midwife model musician nanny nurse nutritionist
    officer optician painter paramedic pastor pediatrician pharmacist philosopher photographer physician physicist
    physiotherapist pilot plumber poet politician porter postman potter president priest principal producer professor
    programmer psychiatrist psychologist realtor receptionist reporter researcher sailor salesman saleswoman scientist
    sculptor secretary seamstress singer soldier statistician student surgeon surveyor tailor teacher technician therapist
    trainer translator tutor veterinarian vet violinist pianist waiter waitress welder writer zoologist apprentice intern
    supervisor planner strategist administrator""".split()
)
PLACES_OF_WORK = tuple(
    """hospital bank school university college library restaurant cafe café clinic bakery shop store bookshop bookstore
    startup company factory museum hotel garage farm firm agency lab laboratory studio kindergarten gallery theatre theater
    pharmacy brewery airport zoo shelter nonprofit charity supermarket institute
    observatory planetarium ministry embassy court council newspaper publisher hostel nursery""".split()
)
LANGUAGES = tuple(
    """Arabic Bengali Bulgarian Cantonese Catalan Chinese Croatian Czech Danish Dutch English Esperanto Estonian Finnish
    French Gaelic German Greek Hebrew Hindi Hungarian Icelandic Irish Italian Japanese Korean Latin Mandarin Norwegian
    Persian Polish Portuguese Romanian Russian Serbian Slovak Spanish Swahili Swedish Tamil Thai Turkish Ukrainian Urdu
    Vietnamese Welsh""".split()
)
PLAYED = tuple(
    """piano guitar violin viola cello flute clarinet saxophone trumpet trombone drums bass harp accordion ukulele banjo
    harmonica organ tennis football soccer basketball volleyball badminton chess golf hockey rugby cricket squash handball
    baseball""".split()
)
PETS = tuple(
    "dog puppy pup cat kitten parrot hamster rabbit horse pony turtle tortoise goldfish canary pet".split()
)
DONE = tuple(
    """painting drawing sketching pottery ceramics photography sculpting knitting sewing crochet crocheting quilting embroidery
    woodworking carpentry gardening cooking baking brewing writing journaling blogging calligraphy running jogging hiking
    camping climbing bouldering cycling biking swimming surfing snorkeling snorkelling diving kayaking canoeing rowing sailing
    fishing skiing snowboarding skateboarding skating dancing ballet yoga pilates meditation kickboxing boxing karate judo
    aikido taekwondo fencing archery bowling weightlifting crossfit aerobics gymnastics volunteering mentoring coaching
    tutoring birdwatching stargazing beekeeping geocaching programming gaming streaming singing""".split()
)
"""What people do in their own time, in the form in which they say that they do it."""
GROUPS = tuple(
    """gym club team band choir church orchestra class course group league society union community committee association
    program programme network""".split()
)
COURSES = "class classes course courses lesson lessons workshop workshops bootcamp".split()
HOLLOW = frozenset(
    (
        "spending time",
        "spending my time",
        "hanging out",
        "curling up",
        "having fun",
        "catching up",
        "sitting",
        "trying",
    )
)
"""Likings that mean nothing without the tail that was cut off."""
STATES = tuple("married divorced single engaged widowed separated retired unemployed".split())
DIETS = (
    "vegetarian",
    "vegan",
    "pescatarian",
    "lactose intolerant",
    "gluten intolerant",
    "celiac",
    "coeliac",
    "diabetic",
)
NO_NAMES = frozenset(name.title() for name in (*WEEKDAYS, *MONTHS)) | frozenset(
    """I We You He She It They This That These Those There Here The A An My Your His Her Its Our Their What When Where
    Which Who Why How If So And But Or Yes No Not Now Then Well Yeah Yep Wow Hey Hi Hello Thanks Thank Oh Ok Okay Sure God
    Everyone Everybody Someone Somebody Nobody Anyone Anybody One All Both Some Many Most Each Every Today Tomorrow
    Yesterday Family Friends Work Love Life Nature Music Art People Kids Mom Mum Dad Grandma Grandpa Nothing Everything
    Something Anything Being Having Going Another Other Such Same Good Great Nice Also Still Even Only Always Never Sometimes
    Usually Mr Mrs Ms Dr Sir Please Maybe Perhaps Just Also Let Lets Christmas Easter Internet AI TV""".split()
)
BASE = {
    "moving": "move",
    "flying": "fly",
    "travelling": "travel",
    "traveling": "travel",
    "going": "go",
    "visiting": "visit",
    "starting": "start",
    "driving": "drive",
}
"""Of the verbs in which a plan is told ("I am moving to Oslo in June")."""
NOT_PLANNED = frozenset(
    """be go say tell ask try check look let keep think need miss have do get see love like hate want feel know happen take
    a an the my our your his her this that some any it them him work
    make explain show start talk give put stop come leave skip pass end use turn assume wait sleep bed""".split()
)
"""Verbs after "going to" that tell of the talk itself, or of nothing."""
