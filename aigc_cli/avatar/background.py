"""Loads something in a thread, so that a person can type before torch has been imported."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Loaded = TypeVar("Loaded")


class Background(Generic[Loaded]):
    """Runs `build` in a thread at once; `result()` waits for it and raises what it raised."""

    def __init__(self, build: Callable[[], Loaded]) -> None:
        self._build = build
        self._loaded: list[Loaded] = []
        self._error: BaseException | None = None
        self._listeners: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._loaded.append(self._build())
        except BaseException as error:  # noqa: BLE001 - carried over to the thread that asks for the result
            self._error = error
        with self._lock:
            listeners, self._listeners = self._listeners, []
            self._finished = True
        for listener in listeners:
            listener()

    _finished = False

    @property
    def finished(self) -> bool:
        """Whether `result()` returns or raises at once."""
        return self._finished

    def when_finished(self, listener: Callable[[], None]) -> None:
        """Call `listener` when loading ends, well or badly: in the loading thread, or now if it has ended."""
        with self._lock:
            if not self._finished:
                self._listeners.append(listener)
                return
        listener()

    def result(self) -> Loaded:
        """Wait, and return what was loaded."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._loaded[0]
