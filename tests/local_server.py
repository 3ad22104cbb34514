"""A web server on this machine that sends one file, well or badly, as a test tells it."""

import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def zipped(files, top):
    """A zip archive's bytes; `files` maps names under `top`, or ZipInfos, to contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as members:
        for name, data in files.items():
            members.writestr(name if isinstance(name, zipfile.ZipInfo) else top + name, data)
    return buffer.getvalue()


class Server(ThreadingHTTPServer):
    """Sends `content`, as told; keeps what it was asked and what it sent, in `log`."""

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.log = content, []
        self.ranges = True     # whether it knows Range
        self.cut = []          # after how many bytes to cut each of the next answers
        self.status = 200
        self.kind = "application/zip"
        self.gate = None       # an event to wait for in the middle of each answer

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error):
        self.shutdown()
        self.server_close()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/Peds.zip"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server, asked = self.server, self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and server.ranges else 0
        body = server.content[start:]
        status = server.status if not start else 206 if body else 416
        self.send_response(status)
        self.send_header("Content-Type", server.kind)
        self.send_header("Content-Length", str(len(body)))
        if status == 206:
            total = len(server.content)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.end_headers()
        sent = body[:server.cut.pop(0)] if server.cut else body
        server.log.append((asked, len(sent)))
        if server.gate:
            self.wfile.write(sent[:len(sent) // 2])
            self.wfile.flush()
            server.gate.wait(30)
            sent = sent[len(sent) // 2:]
        self.wfile.write(sent)

    def handle(self):
        try:
            super().handle()
        except ConnectionError:  # the client was killed, as one test does
            pass

    def log_message(self, *args):
        pass
