"""Answers every upload with 200 and writes the requests down as they came: PORT FILE.

The project was built once, by flit publish; twine upload dist/*, pdm publish --no-build,
poetry publish and uv publish sent the same two files, uv with NAME.slsa.attestation beside each.
"""
import base64, http.server, json, sys

records = []

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        if "chunked" in self.headers.get("transfer-encoding", ""):
            body = b""
            while True:
                size = int(self.rfile.readline().strip() or b"0", 16)
                if size == 0:
                    self.rfile.readline()
                    break
                body += self.rfile.read(size)
                self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
        keep = ("content-type", "user-agent", "authorization", "accept")
        headers = {k.lower(): v for k, v in self.headers.items() if k.lower() in keep}
        records.append({"path": self.path, "headers": headers, "body": base64.b64encode(body).decode()})
        json.dump(records, open(sys.argv[2], "w"), indent=1)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
    def do_GET(self):
        self.send_response(404)
        self.send_header("content-length", "0")
        self.end_headers()
    do_HEAD = do_GET
    def log_message(self, *args):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
