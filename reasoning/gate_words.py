"""The words that tell the gate to whom something is said, and what for."""

from __future__ import annotations

import re


def phrases(text: str) -> str:
    """An alternative for a regular expression: one phrase a line or between commas."""
    return "|".join(p.strip() for p in re.split(r"[,\n]", text) if p.strip())


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What Whisper writes for the name, which it has never seen. Only with "hey", a comma or a question behind it.
MISHEARD_NAME = phrases(
    r"""
    hears?[- ]?sights?, hearsites?, here'?s?[- ]?(?:sight|site)s?, hear[- ](?:site|side|cite)
    her[- ]?(?:sight|site)s?
    h(?:ai|ea|ee)r[- ]sight, hear sigh, hindsight, [eh]e?arsight, ear[- ]sight, hirsight
    """
)
NAME = "hearsight|assistant|computer"
OTHER_ASSISTANTS = "alexa|siri|google|cortana|bixby"

PEOPLE = phrases(
    """
    mum, mom, mummy, mommy, dad, daddy, grandma, granny, grandpa, honey, darling, sweetheart, sweetie
    dear, babe, kids
    guys, everyone, everybody, folks, ladies, gentlemen, boys, girls, team, all, mate, dude, bro, sir
    madam, ma'am, buddy
    kitty, love
    """
)
TITLES = "miss|mrs|mr|ms|doctor|dr|professor|nurse"
# They stand alone before or after a comma with a capital, and are no names.
NO_NAMES = words(
    """
    a actually again ah aha alright also and another any anyway are as assistant basically because before
    besides both but by
    can come computer correct could cool damn did do does done don't either enough exactly excuse faster
    fine finally first
    five for four from gently go good great guess ha hang hearsight hello hey hi hm hmm hold honestly how
    however i if in
    indeed interesting is it just last later left less listen look louder maybe mine more morning my
    neither never next nice
    nine no nobody none nope nah not nothing now number of oh okay ok one only or ouch pardon perfect phew
    please plus
    precisely probably quick quickly quieter ready really remember right same second see seriously seven
    shorter show sit six
    slower so softer sorry stop sure ten tell thank thanks that the then there these they this those three
    tomorrow today
    tonight true two ugh uh um un wait watch we well what when where which who why wow yeah yep yes
    yesterday you couldn't
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july
    august september
    october november december english german french spanish afternoon evening alexa siri nope hay
    everything somebody someone
    """
)

# At the head of a sentence they say nothing.
LEAD = phrases(
    r"""
    so, and, but, or, then, now, right, well, ok, okay, um+, uh+, hm+, er+, wait, sorry, please, yes, yeah
    no, nah, oh, ah, also
    hey, hay, hello, hi, good morning, morning, good evening, anyway, alright, actually, excuse me, thanks
    thank you, listen
    from now on, just, kindly, maybe, wow, hold on, hang on, one second, one moment
    """
)
QUESTION_WORDS = (
    r"what|when|where|who|whose|whom|which|why|how|wat|wen|wear|wich|(?:what|where|who|how|when|wat|wear)'?s"
)
AUXILIARIES = (
    "is|are|was|were|am|do|does|did|have|has|had|can|could|will|would|should|shall|may|might|must|"
    "isn't|aren't|wasn't|weren't|don't|doesn't|didn't|haven't|hasn't|can't|couldn't|won't|wouldn't|shouldn't"
)

# One asks these of what listens, looks, remembers, reckons and speaks ...
AGENT_VERBS = phrases(
    r"""
    remind, tell, show, summari[sz]e, translate, describe, explain, find, search, repeat, read, count
    compare, list, note
    forget, delete, erase, remember, recall, warn, alert, notify, wake, ping, nudge, rewind, replay, spell
    identify, calculate
    convert, define, record, save, pause, resume, cancel, skip, mute, unmute, scroll, zoom, transcribe
    quote, estimate, measure
    continue, name, recogni[sz]e, detect, track, recap, help, answer, suggest, recommend, guess, rate
    review, log, schedule
    reschedule, snooze, postpone, draft, compose, analy[sz]e, interpret, clarify, rephrase, paraphrase
    shorten, outline, learn
    memori[sz]e, verify, confirm, highlight, bookmark, look up, google, display, announce, pronounce, sing
    whisper, beep
    subtract, multiply, divide, double-check, inform, update, report, undo, redo, restart, reset
    jot, hide, reveal, present, brief, state, print, type, dictate, copy, paste, share, forward, reply
    respond, post, upload
    download, refresh, reload, minimi[sz]e, enlarge, expand, sort, filter, group, rank, organi[sz]e
    arrange, plan, propose
    brainstorm, solve, prove, evaluate, simulate, predict, forecast, imagine, pretend, inspect, research
    look (?:into|through)
    """
)
# ... these too, with the right words after them ...
AGENT_TASKS = phrases(
    r"""
    let (?:me|us) (?:know|hear|see)
    give (?:me|us)(?! (?:a (?:hand|break|minute|second|hug|kiss|lift)|your)\b), time (?:me|this|it)\b
    set (?:a|an|the|my) (?:timer|alarm|reminder), take (?:a )?notes?, make a (?:note|list)
    write (?:that|this|it|down)
    put \w+(?: \w+)? on (?:the|my|our) (?:\w+ )?list
    add \w+(?: \w+)* to (?:the|my|our) (?:\w+ )?(?:list|notes?|calendar)
    keep (?:track|an eye|count|watch), check (?:if|whether|the|my|that|when|how|what)
    watch (?:for|out for|the|my), look (?:for|up)
    look at (?:this|that|it) and, work out, figure out, sum (?:it|that|this)?, say (?:that|it) again
    go back to, play (?:that|it|the)
    stop (?:watching|reminding|talking|listening|recording|the timer|the alarm|the reminder|my)
    don't (?:remind|listen|record|watch|forget to)
    turn (?:it|that|yourself|the (?:volume|sound|voice)) (?:down|up|off|on), never mind the, switch to
    open the (?:note|list)
    start (?:recording|listening|over|again|an? (?:new )?(?:timer|note|list|recording)|the timer), end the
    (?:scratch|strike) that
    go (?:over|through), run (?:through|me through|it by me), (?:walk|talk|guide) (?:me|us) through
    fill me in, catch me up, dig up
    get rid of the, shout (?:if|when), yell (?:if|when), try (?:again|that again|once more), check my
    keep quiet, test me, quiz me
    point out, call (?:out|me), bring up, pull up, get me the, write (?:me )?(?:an?|down)
    make (?:me )?an? (?:list|note|summary|copy)
    make (?:it|that) (?:quick|short|louder|quieter|brief|shorter), say (?:hello|something|it|yes|no)
    speak (?:up|louder|slower|slowly|more)
    talk (?:slower|louder|faster|to me), don't let (?:me|us), ask me, send (?:me|us)
    wait (?:until|till|for), keep (?:me|us), come back
    do (?:that|it) again, put (?:that|it|this) (?:down|in|on) (?:as|the|my), take (?:this|that) down
    point (?:me )?(?:to|out), go (?:back|on)
    (?:increase|raise|lower|reduce|decrease) (?:the|your), choose (?:one|a|between)
    pick (?:one|a number|a colour|a color), roll a, flip a coin
    """
)
# ... and these of nobody without hands.
HANDS = words(
    """
    hold pass bring hand get open close shut pick move take wash eat drink push pull lift carry drive park
    come sit grab catch
    put fetch throw clean cook borrow have marry join help lend leave speak feed walk cut buy give wait
    hurry turn stay be mute
    """
)

# Words and sounds that say "I hear you".
ACKNOWLEDGED = phrases(
    r"""
    m+(?:[- ]?h*m+)?, hm+, uh[- ]?huh, uh, um+, ah+, aha+, oh+, er, huh, ha(?:ha)*, heh, wow
    whoa, ok, okay, okey, k
    right, alright, all right, yes, yeah, yep, yup, sure, true, exactly, absolutely, definitely, of course
    indeed, good, great
    nice, cool, fine, perfect, lovely, super, excellent, awesome, wonderful, brilliant, very good
    interesting, very interesting
    really, i see, got it, gotcha, understood, makes sense, that makes sense, fair enough, fair point
    good to know, good point
    that's good to know, that's (?:good|right|true|nice|great|fine|it|interesting|amazing|cool)
    that helps, thanks, thank you
    thanks a lot, thank you (?:very|so) much, many thanks, cheers, there you go, there we go, here we go
    no problem, no worries
    oh dear, oh my, my god, oh god, i know, no, nope, no way, never mind, not really, not bad, too bad
    what a pity, well done
    """
)
SOUNDS = r"m+(?:[- ]?h*m+)?|hm+|uh[- ]?huh|uh|um+|ah+|aha+|oh+|er+|huh|ha(?:ha)*|heh"
