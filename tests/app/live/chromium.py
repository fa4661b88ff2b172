"""A headless Chromium, driven over the DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from runtime.session import cancel_and_wait

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --mute-audio --remote-debugging-port=0 "
    "--use-fake-device-for-media-stream --use-fake-ui-for-media-stream "
    "--autoplay-policy=no-user-gesture-required"
).split()
DEADLINE_S = 120.0
"""Only against hanging for ever; nothing that passes waits for it."""

# What the page gets and sends on its data channels, and its connections, for a test to look at.
SPY = """
window.events = [];
window.peers = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...options) {
    super(...options);
    peers.push(this);
  }
  createDataChannel(...options) {
    const channel = super.createDataChannel(...options);
    channel.addEventListener('message', ({ data }) => events.push({ at: performance.now(), ...JSON.parse(data) }));
    return channel;
  }
};
"""


KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowRight": 39, "ArrowDown": 40}
"""Their numbers in the DevTools protocol."""


class PageError(AssertionError):
    """JavaScript that threw."""


def program() -> str | None:
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Chromium:
    """Made by `chromium`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Tab] = {}

    async def open(self, address: str, script: str = "") -> Tab:
        """A tab of its own profile (no storage shared with others). script: runs before any of the page's own."""
        context = (await self.call("Target.createBrowserContext"))["browserContextId"]
        new = {"url": "about:blank", "browserContextId": context}
        target = (await self.call("Target.createTarget", **new))["targetId"]
        attached = await self.call("Target.attachToTarget", targetId=target, flatten=True)
        tab = self._pages[attached["sessionId"]] = Tab(self, target, attached["sessionId"])
        for domain in ("Page", "Runtime", "Log"):
            await tab.call(f"{domain}.enable")
        await tab.call("Page.addScriptToEvaluateOnNewDocument", source=SPY + script)
        await tab.go(address)
        return tab

    async def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        reply = self._replies[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params}
        await self._socket.send_json(message if session is None else message | {"sessionId": session})
        async with asyncio.timeout(DEADLINE_S):
            return await reply

    async def listen(self) -> None:
        async for message in self._socket:
            data = json.loads(message.data)
            reply = self._replies.pop(data.get("id", 0), None)
            if reply is None:
                if (tab := self._pages.get(data.get("sessionId", ""))) is not None:
                    tab.happened(data["method"], data["params"])
            elif not reply.cancelled():
                if "error" in data:
                    reply.set_exception(PageError(data["error"]["message"]))
                else:
                    reply.set_result(data["result"])


class Tab:
    """One tab. problems: what the page complained of in its console."""

    def __init__(self, browser: Chromium, target: str, session: str) -> None:
        self._browser = browser
        self._target, self._session = target, session
        self._loaded = asyncio.Event()
        self.problems: list[str] = []

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        return await self._browser.call(method, self._session, **params)

    def happened(self, method: str, params: dict[str, Any]) -> None:
        match method:
            case "Page.loadEventFired":
                self._loaded.set()
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                self.problems.append(details.get("exception", {}).get("description", details["text"]))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.problems.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")

    async def go(self, address: str) -> None:
        """Loads an address, until everything of the page is there."""
        self._loaded.clear()
        await self.call("Page.navigate", url=address)
        await self._arrive()

    async def reload(self) -> None:
        self._loaded.clear()
        await self.call("Page.reload")
        await self._arrive()

    async def _arrive(self) -> None:
        async with asyncio.timeout(DEADLINE_S):
            await self._loaded.wait()

    async def evaluate(self, script: str) -> Any:
        """The value of an expression, a promise's when it is kept. Raises PageError."""
        reply = await self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if (thrown := reply.get("exceptionDetails")) is not None:
            raise PageError(thrown.get("exception", {}).get("description", thrown["text"]))
        return reply["result"].get("value")

    async def until(self, condition: str, deadline_s: float = DEADLINE_S) -> Any:
        """Waits until an expression is true, and gives its value. Raises PageError with what the page shows."""
        look = f"""new Promise((resolve) => {{
            const look = () => {{ const value = ({condition}); if (value) {{ clearInterval(timer); resolve(value); }} }};
            const timer = setInterval(look, 20);
            look();
        }})"""
        try:
            async with asyncio.timeout(deadline_s):
                return await self.evaluate(look)
        except TimeoutError:
            shown = await self.evaluate("document.body.innerText")
            last = await self.evaluate(
                "window.events?.filter((e) => !['health', 'pong', 'seen'].includes(e.type)).slice(-20)"
                ".map((e) => JSON.stringify(e).slice(0, 200)).join('\\n')"
            )
            problem = f"never came: {condition}\n{shown[-2000:]}\n{last}\n{self.problems}"
            raise PageError(problem) from None

    async def press(self, key: str) -> None:
        """One of KEYS, as a person does."""
        about = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        typed = {"text": "\r"} if key == "Enter" else {}
        await self.call("Input.dispatchKeyEvent", type="keyDown", **about, **typed)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    async def drop(self, file: Path, x: float, y: float) -> None:
        """Drags a file there and lets go."""
        data = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            await self.call("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    async def size(self, width: int, height: int, scale: float = 1.0, mobile: bool = False) -> None:
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=mobile,
        )

    async def scheme(self, name: str) -> None:
        """light or dark"""
        await self.call(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}]
        )

    async def screenshot(self) -> bytes:
        """A PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot", format="png"))["data"])

    async def close(self) -> None:
        """As a person closes it: the page is told, but may not object."""
        await self._browser.call("Target.closeTarget", targetId=self._target)


@asynccontextmanager
async def chromium(
    executable: str,
    profile: Path,
    *,
    sound: Path | None = None,
    video: Path | None = None,
    flags: Sequence[str] = (),
) -> AsyncIterator[Chromium]:
    """sound: a WAV that is heard once, from the moment the microphone is opened. video: a Y4M that is seen again
    and again.
    """
    media = []
    if sound is not None:
        media.append(f"--use-file-for-fake-audio-capture={sound}%noloop")
    if video is not None:
        media.append(f"--use-file-for-fake-video-capture={video}")
    process = await asyncio.create_subprocess_exec(
        *(executable, *FLAGS, *media, *flags, f"--user-data-dir={profile}", "about:blank"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said = process.stderr
    address = ""
    async with asyncio.timeout(DEADLINE_S):
        while not address:
            line = (await said.readline()).decode()
            assert line, "Chromium has ended"
            address = (
                line.removeprefix("DevTools listening on ").strip() if "DevTools listening" in line else ""
            )
    draining = asyncio.create_task(_drain(said), name="Chromium's complaints")
    try:
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(address, max_msg_size=0) as socket,
        ):
            browser = Chromium(socket)
            listening = asyncio.create_task(browser.listen(), name="DevTools")
            try:
                yield browser
            finally:
                await cancel_and_wait(listening, 1.0)
    finally:
        process.kill()
        await process.wait()
        await cancel_and_wait(draining, 1.0)


async def _drain(lines: asyncio.StreamReader) -> None:
    while await lines.readline():
        pass
