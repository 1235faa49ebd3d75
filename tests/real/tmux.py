"""A shell on a terminal that can be looked at and resized: tmux, with a server of its own."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

PATIENCE = 900  # seconds for what is waited for; a build on a busy machine takes minutes
OFTEN = 0.2  # seconds between two looks
STEADY = 10  # looks
PROMPT = "$"


class Tmux:
    """One shell, typed into and looked at. `lines` of the terminal stay as they are; columns change."""

    def __init__(self, env: Mapping[str, str], lines: int) -> None:
        self._name, self._lines = f"envbuild-test-{uuid4().hex[:12]}", lines
        kept = {name: text for name, text in env.items() if name not in ("TMUX", "COLUMNS", "NO_COLOR")}
        self._env = {**kept, "LC_ALL": "C.UTF-8", "PS1": f"{PROMPT} ", "HISTFILE": "/dev/null"}

    def begin(self, folder: Path, columns: int) -> None:
        """The shell, at work in a folder."""
        size = ("-x", str(columns), "-y", str(self._lines))
        self._ask("new-session", "-d", *size, "-c", str(folder), "bash", "--norc", "--noprofile")

    def end(self) -> None:
        """End the server, and what is left in it; it would leave its socket behind."""
        socket = Path(self._ask("display-message", "-p", "#{socket_path}").strip())
        self._ask("kill-server")
        socket.unlink(missing_ok=True)

    def _ask(self, *words: str) -> str:
        """One command of tmux, and what it prints."""
        command = ["tmux", "-u", "-L", self._name, "-f", os.devnull, *words]
        end = subprocess.run(command, env=self._env, capture_output=True, text=True, check=False)
        assert end.returncode == 0, f"{words}: {end.stderr}"
        return end.stdout

    def type(self, line: str) -> None:
        """A line, with its Enter, when the shell asks for one."""
        self.until(lambda screen: screen.splitlines()[-1] == PROMPT)
        self._ask("send-keys", "-l", line)
        self.until(lambda screen: screen.splitlines()[-1] != PROMPT)
        self._ask("send-keys", "Enter")

    def press(self, key: str) -> None:
        """A key by tmux's name for it: `C-c`."""
        self._ask("send-keys", key)

    def resize(self, columns: int) -> None:
        """Another width."""
        self._ask("resize-window", "-x", str(columns), "-y", str(self._lines))

    def screen(self, *options: str) -> str:
        """What is seen, less empty lines below: `-e` with colours, `-S -` with what has scrolled away."""
        return self._ask("capture-pane", "-p", *options).rstrip() + "\n"

    @property
    def cursor(self) -> bool:
        """Whether it is shown."""
        return self._ask("display-message", "-p", "#{cursor_flag}").strip() == "1"

    def until(self, holds: Callable[[str], object], patience: float = PATIENCE) -> str:
        """Look until something holds of the screen; that screen."""
        deadline = time.monotonic() + patience
        while not holds(screen := self.screen()):
            assert time.monotonic() < deadline, f"what was waited for did not come; this is seen:\n{screen}"
            time.sleep(OFTEN)
        return screen

    def until_seen(self, pattern: str) -> str:
        """The same for a regular expression."""
        return self.until(re.compile(pattern, re.MULTILINE).search)

    def settled(self, form: Callable[[str], str]) -> str:
        """The screen in that form, when it has been the same for some looks: for who writes it down."""
        seen: list[str] = []
        while len(seen) < STEADY or len(set(seen[-STEADY:])) > 1:
            seen.append(form(self.screen()))
            time.sleep(OFTEN)
        return seen[-1]

    def ended(self) -> int:
        """Wait until the shell asks for the next command; the exit code of the last one."""
        self.type("echo exit code $?")
        return int(re.findall(r"^exit code (\d+)$", self.until_seen(r"^exit code \d+$"), re.MULTILINE)[-1])

    @contextmanager
    def watched(self, wrong: Callable[[str], str]) -> Iterator[None]:
        """Look all the time while the block lasts: `wrong` must not find anything, or it tells what."""
        found: list[str] = []
        over = threading.Event()

        def look() -> None:
            while not over.wait(OFTEN):
                if why := wrong(screen := self.screen()):
                    found.append(f"{why}:\n{screen}")

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()
        assert not found, f"{len(found)} screens; the first: {found[0]}"


@contextmanager
def terminal(folder: Path, env: Mapping[str, str], columns: int = 80, lines: int = 24) -> Iterator[Tmux]:
    """A shell in a folder; the server ends with the block."""
    made = Tmux(env, lines)
    try:
        made.begin(folder, columns)
        yield made
    finally:
        made.end()
