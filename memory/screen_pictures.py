"""Key frames of screens, which may rest on earlier ones: their names say on which."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pyarrow as pa

from memory import schema
from memory.store import Store, quoted
from runtime.messages import ScreenPicture
from runtime.pictures import avif, is_avif, laid_over, webp

_DEEPEST = 16
_QUALITY = 50


def name_of(picture: ScreenPicture) -> str:
    """The key frame's clip: source/screen/monitor/milliseconds, then those of the picture that it rests on."""
    under = "" if picture.under_s is None else f"/{_milliseconds(picture.under_s)}"
    return f"{picture.source}/screen/{picture.monitor}/{_milliseconds(picture.t_s)}{under}"


def monitor_of(clip: str) -> int:
    """The number of the monitor that a key frame shows."""
    return int(clip.split("/")[2])


async def picture_of(store: Store, clip: str) -> bytes | None:
    """A key frame's picture with all that it rests on; grey where that is not kept any more. None: there is no such."""
    layers = await _layers(store, clip)
    if len(layers) == 1 and layers[0] and not is_avif(layers[0]):
        return layers[0]
    whole = await asyncio.to_thread(laid_over, layers)
    return None if whole is None else await asyncio.to_thread(webp, whole)


async def stand_alone(store: Store, doomed: Sequence[str]) -> list[str]:
    """Adds a picture of their own for all that rest on a doomed key frame and are to stay. Returns their old names,
    which can go then.
    """
    rows = await store.rows(schema.KEYFRAMES, columns=["clip"])
    kept = set(rows["clip"].to_pylist() if rows is not None else []).difference(doomed)
    going = {_own(clip) for clip in doomed}
    resting = sorted(clip for clip in kept if _under(clip) in going)
    renamed = []
    for clip in resting:
        if _own(clip) in kept:  # an erasure was cut short here
            renamed.append(clip)
            continue
        found = await store.rows(schema.KEYFRAMES, f"clip = {quoted(clip)}")
        whole = await asyncio.to_thread(laid_over, await _layers(store, clip))
        if found is None or whole is None:
            continue
        data = await asyncio.to_thread(avif, whole, _QUALITY)
        row = found.to_pylist()[0] | {"clip": _own(clip), "jpeg": data}
        await store.add(
            schema.KEYFRAMES, pa.Table.from_pylist([row], schema=schema.fixed_schema(schema.KEYFRAMES))
        )
        renamed.append(clip)
    return renamed


async def _layers(store: Store, clip: str) -> list[bytes]:
    """The picture and those that it rests on, the lowest first."""
    layers: list[bytes] = []
    wanted = f"clip = {quoted(clip)}"
    while len(layers) < _DEEPEST:
        rows = await store.rows(schema.KEYFRAMES, wanted, ["clip", "jpeg"])
        if rows is None or not rows.num_rows:
            break
        row = rows.to_pylist()[0]
        layers.insert(0, bytes(row["jpeg"]))
        under = _under(row["clip"])
        if under is None:
            break
        wanted = f"clip = {quoted(under)} OR starts_with(clip, {quoted(under + '/')})"
    return layers


def _own(clip: str) -> str:
    """The name without what it rests on."""
    return clip if _under(clip) is None else clip.rsplit("/", 1)[0]


def _under(clip: str) -> str | None:
    """The name, but for what that rests on, of the key frame under it."""
    parts = clip.rsplit("/", 4)
    return "/".join([*parts[:3], parts[4]]) if len(parts) == 5 and parts[1] == "screen" else None


def _milliseconds(t_s: float) -> str:
    return f"{round(t_s * 1000):010d}"
