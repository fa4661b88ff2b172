"""What can be asked of a recorder that runs: by the commands, and by its page."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from memory import SourceInfo, Store
from memory.cast import Casts
from memory.screen import Activity, ScreenMemory
from perception.sources.sound import decode_sound
from reasoning.engine import Engine
from reasoning.proactive import Watch, parse_watch
from reasoning.screen.calls import Call, calls
from reasoning.screen.tasks import line_of
from reasoning.screen.timeline import merged, resources, synopsis
from reasoning.screen.when import at_text, span_text
from reasoning.watches import replies
from runtime.app.context import App, open_answerer
from runtime.app.screen.asking import Times, choose_answerer
from runtime.app.screen.assistant import Assistant
from runtime.app.screen.control import Command
from runtime.app.screen.ears import Ears
from runtime.app.screen.recorder import Recorder
from runtime.app.screen.retaining import Retention
from runtime.app.screen.status import behind_line, retained_line, status_detail, status_line
from runtime.errors import InputError
from runtime.messages import Query

_DAY_S = 86400.0
_EVIDENCE = 3
_LINES = 40
_AROUND_S = 3.0
_SAID_AROUND_S = 20.0
_RESOURCES = 30
_TOLD = 20
_LONGEST_QUESTION_S = 30.0


class Desk:
    """The commands of a running recorder, by name."""

    def __init__(
        self,
        app: App,
        store: Store,
        recorder: Recorder,
        assistant: Assistant,
        engine: Engine | None,
        ears: Ears,
        retention: Retention,
    ) -> None:
        self._app = app
        self._store = store
        self._screen = ScreenMemory(store)
        self._recorder = recorder
        self._assistant = assistant
        self._engine = engine
        self._ears = ears
        self._retention = retention
        self._told: deque[dict[str, Any]] = deque(maxlen=_TOLD)
        self._count = 0

    def commands(self) -> dict[str, Command]:
        return {
            "status": self._status,
            "day": self._day,
            "moment": self._moment,
            "pause": self._pause,
            "resume": self._resume,
            "toggle": self._toggle,
            "forget": self._forget,
            "ask": self._ask,
            "tasks": self._tasks,
            "dismiss": self._dismiss,
            "watch": self._watch,
        }

    def told(self, text: str) -> None:
        """Something was said unasked; the page shows it too."""
        self._count += 1
        self._told.append({"id": self._count, "at": self._at(self._app.clock.wall()), "text": text})

    async def picture(self, source: str, t_s: float, until_s: float | None, record: str) -> bytes | None:
        return await self._screen.picture(source, t_s, until_s, record)

    async def hear(self, clip: bytes) -> str:
        """The words of a recorded question. Raises MediaError, ModelError."""
        transcriber = await self._app.models.transcriber()
        samples = await self._app.compute.run("transcribe", decode_sound, clip, _LONGEST_QUESTION_S)
        said = await self._app.compute.run("transcribe", transcriber.transcribe, samples, 0.0)
        return " ".join(u.text.strip() for u in said)

    async def _status(self, _: dict[str, Any]) -> dict[str, Any]:
        status = self._recorder.status
        now = self._app.clock.wall()
        settings = self._app.settings.screen
        return {
            "state": status.state,
            "line": status_line(status, now),
            "hearing": "; ".join(f"{title}: {state}" for title, state in self._ears.states),
            "detail": status_detail(status, self._store),
            "since": self._at(status.since),
            "until": self._at(status.until) if status.until is not None else None,
            "now": status.now,
            "records": status.records,
            "pictures": status.pictures,
            "missed": status.missed,
            "behind": behind_line(status),
            "looked": f"{datetime.fromtimestamp(status.looked):%H:%M:%S}" if status.looked else None,
            "memory": str(self._store.uri).replace(str(Path.home()), "~", 1),
            "excluded": [*settings.exclude_programs, *settings.exclude_titles],
            "kept": f"{settings.keep_days:g} days, pictures {settings.keep_picture_days:g} days, at most {settings.keep_mb:g} MB",
            "cleared": retained_line(self._retention.last, settings.keep_mb, now),
            "tasks": [{"id": t.id, "line": line_of(t, now)} for t in self._assistant.tasks.all()],
            "watches": [{"id": w.id, "line": w.text} for w in self._assistant.watches.all()],
            "told": list(self._told),
            "hears": self._ears.listening,
            "senses": [
                *([title.capitalize(), state] for title, state in self._ears.states),
                *([["Pause with", settings.hotkey]] if settings.hotkey else []),
            ],
        }

    async def _day(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """What was done on a day: the one that is named, else the last one that was recorded."""
        sources = await self._screen.sources()
        days = sorted({d for s in sources for d in _days_of(s)})
        named = arguments.get("day")
        day = date.fromisoformat(str(named)) if named else (days[-1] if days else None)
        if day is None:
            nothing = dict.fromkeys(("day", "before", "after"))
            return nothing | {"title": "", "synopsis": "", "entries": [], "calls": [], "resources": []}
        mine = [s for s in sources if day in _days_of(s)]
        done = [a for a in await self._screen.activities(mine) if _date(a.wall_s) == day]
        zeros = {s.id: s.wall_zero_s or 0.0 for s in mine}
        texts = [t for t in await self._screen.texts(mine) if _date(zeros[t.source] + t.t_start_s) == day]
        held = calls(await self._screen.heard(mine), zeros, await Casts(self._store).now())
        return {
            "day": str(day),
            "title": f"{day:%A} {day.day} {day:%B %Y}",
            "synopsis": synopsis(done),
            "before": _text(max((d for d in days if d < day), default=None)),
            "after": _text(min((d for d in days if d > day), default=None)),
            "entries": [_entry(a) for a in merged(done)],
            "calls": [_call_entry(c) for c in held if _date(c.start_wall) == day],
            "resources": [
                {"kind": r.kind, "name": r.name, "at": f"{datetime.fromtimestamp(r.last_s):%H:%M}"}
                for r in resources(done, texts, zeros)[:_RESOURCES]
            ],
        }

    async def _moment(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """What stood there at a moment, as it was read, what was said around it, and what was in front."""
        name, t_s = str(arguments["source"]), float(arguments["t"])
        source = next((s for s in await self._screen.sources() if s.id == name), None)
        if source is None:
            raise InputError("there is no such moment")
        wall = (source.wall_zero_s or 0.0) + t_s
        front = [a for a in await self._screen.activities([source]) if a.t_start_s <= t_s]
        current = name == self._recorder.status.source
        lines = []
        for record, there in await self._screen.standing(source, t_s + _AROUND_S, current):
            lines += [record.text.splitlines()[i] for i in there]
        cast = await Casts(self._store).now()
        said = []
        for record in await self._screen.heard([source]):
            if record.t_start_s <= t_s + _SAID_AROUND_S and record.t_end_s >= t_s - _SAID_AROUND_S:
                who = cast.speaker(record.id, record.speaker)
                said.append(f"{who.label if who is not None else 'somebody'}: {record.text}")
        return {
            "at": f"{datetime.fromtimestamp(wall):%A %H:%M:%S}",
            "place": _entry(front[-1])["name"] if front else "",
            "lines": lines[:_LINES],
            "said": said[:_LINES],
        }

    async def _pause(self, arguments: dict[str, Any]) -> dict[str, Any]:
        seconds = arguments.get("seconds")
        await self._recorder.pause(float(seconds) if seconds is not None else None)
        return {"line": status_line(self._recorder.status, self._app.clock.wall())}

    async def _resume(self, _: dict[str, Any]) -> dict[str, Any]:
        await self._recorder.resume()
        return {"line": "recording goes on"}

    async def _toggle(self, _: dict[str, Any]) -> dict[str, Any]:
        if await self._recorder.toggle():
            return {"line": status_line(self._recorder.status, self._app.clock.wall())}
        return {"line": "recording goes on"}

    async def _forget(self, arguments: dict[str, Any]) -> dict[str, Any]:
        seconds = float(arguments["seconds"])
        from_wall = self._app.clock.wall() - seconds
        records = await self._recorder.forget(seconds)
        self._assistant.forget(from_wall)
        self._told.clear()
        return {"records": records}

    async def _ask(self, arguments: dict[str, Any]) -> dict[str, Any]:
        question = str(arguments["question"]).strip()
        if not question:
            raise InputError("the question is empty")
        async with open_answerer(self._app, self._store, self._engine) as (answerer, memory):
            times = Times(await memory.sources(), self._app.clock)
            chosen = choose_answerer(
                self._app,
                memory,
                answerer,
                await self._app.models.verifier(),
                tuple(times.sources),
                self._engine,
            )
            answer = await chosen.answer(Query("ask", question))
        return {
            "text": answer.text,
            "abstained": answer.abstained,
            "note": " · ".join(filter(None, (answer.engine, answer.note))),
            "evidence": [
                {
                    "at": times.span(e),
                    "text": f"{e.speaker}: {e.text}" if e.speaker else e.text,
                    "source": e.source,
                    "t": e.t_start_s,
                    "end": e.t_end_s,
                    "record": e.id,
                }
                for e in answer.evidence[:_EVIDENCE]
            ],
        }

    async def _tasks(self, _: dict[str, Any]) -> dict[str, Any]:
        now = self._app.clock.wall()
        return {"tasks": [f"{t.id}  {line_of(t, now)}" for t in self._assistant.tasks.all()]}

    async def _dismiss(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if not await self._assistant.dismiss(str(arguments["id"])):
            raise InputError(f"there is no open task or watch {arguments['id']}")
        return {"line": "dismissed"}

    async def _watch(self, arguments: dict[str, Any]) -> dict[str, Any]:
        now = self._app.clock.wall()
        language = (await self._app.models.verifier()).language
        wish = parse_watch(str(arguments["text"]), language, now)
        if not isinstance(wish, Watch):
            raise InputError('say what to be told of: "tell me when the build is done"')
        watch = await self._assistant.watches.add(wish, self._recorder.t_s)
        text = replies.confirmation(watch, now)
        return {"line": f"{watch.id}  {text}", "text": text}

    def _at(self, wall_s: float) -> str:
        return at_text(wall_s, self._app.clock.wall())


def _entry(a: Activity) -> dict[str, Any]:
    """doing, program: of a line of the page; from_s, to_s: hours of its day, for a bar."""
    start, end = (datetime.fromtimestamp(t) for t in (a.wall_s, a.end_wall_s))
    what = f"{a.document} ({a.site})" if a.document and a.site else a.document or a.site
    return {
        "from": f"{start:%H:%M}",
        "to": f"{end:%H:%M}",
        "lasted": span_text(a.duration_s) if a.duration_s else "",
        "seconds": a.duration_s,
        "name": what or a.program or "the desktop",
        "program": a.program if what else "",
        "source": a.source,
        "t": a.t_start_s,
        "end": a.t_end_s,
        "record": a.id,
    }


def _call_entry(call: Call) -> dict[str, Any]:
    lasted_s = call.end_wall - call.start_wall
    return {
        "from": f"{datetime.fromtimestamp(call.start_wall):%H:%M}",
        "lasted": span_text(lasted_s),
        "name": call.title,
        "source": call.source,
        "t": call.t_start_s,
        "end": call.t_start_s + lasted_s,
    }


def _days_of(source: SourceInfo) -> Sequence[date]:
    """The days that it may have something of. A recording is of one day; a folder of screenshots says how long it is."""
    zero = source.wall_zero_s or 0.0
    first, last = _date(zero), _date(zero + (source.duration_s or 0.0))
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _date(wall_s: float) -> date:
    return datetime.fromtimestamp(wall_s).date()


def _text(day: date | None) -> str | None:
    return str(day) if day is not None else None
