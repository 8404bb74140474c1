"""A TCP proxy before the local AWS that can be switched off, made to hang, and made slow."""

import contextlib
import selectors
import socket
import threading
import time
from urllib.parse import urlsplit


class Proxy:
    """Listens on a port of its own, which stays the same when it is off."""

    OPEN, REFUSE, HANG = "open", "refuse", "hang"

    def __init__(self, endpoint, state=OPEN):
        target = urlsplit(endpoint)
        self._target = (target.hostname, target.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.state = state
        self.delay = 0.0
        self.connections = 0
        self._open = set()
        self._lock = threading.Lock()
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if self.state == self.REFUSE:
                client.close()
            else:
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client):
        try:
            server = socket.create_connection(self._target)
        except OSError:
            client.close()
            return
        pair = {client: server, server: client}
        with self._lock:
            self._open.add(pair_key := (client, server))
        try:
            with selectors.DefaultSelector() as selector:
                for end in pair:
                    selector.register(end, selectors.EVENT_READ)
                while not self._closed:
                    for key, _ in selector.select(0.2):
                        data = key.fileobj.recv(1 << 16)
                        if not data:
                            return
                        while self.state == self.HANG and not self._closed:
                            time.sleep(0.02)
                        if key.fileobj is server and self.delay:
                            time.sleep(self.delay)
                        pair[key.fileobj].sendall(data)
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(pair_key)
            client.close()
            server.close()

    def switch(self, state):
        """OPEN carries, REFUSE cuts what is open and what comes, HANG takes and never answers."""
        self.state = state
        if state == self.REFUSE:
            with self._lock:
                for pair in self._open:
                    for end in pair:
                        with contextlib.suppress(OSError):
                            end.shutdown(socket.SHUT_RDWR)

    def close(self):
        """Ends it."""
        self._closed = True
        self._listener.close()
        self.switch(self.REFUSE)
