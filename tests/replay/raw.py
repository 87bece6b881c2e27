"""Requests as bytes: what proxies disagree about, what scanners send, what half a client leaves behind.

A row says what may be answered: for each answer its statuses ("400|431", with an h when it is to a HEAD) and how the
connection goes on. Behind whatever must end its connection stands a good request that nobody may answer.
"""

from dataclasses import dataclass

ENDS, STAYS, HALF = "ends", "stays", "half"  # HALF: nothing is answered, and it ends when the client does
HOST = b"Host: localhost\r\n"


@dataclass(frozen=True)
class Row:
    name: str
    request: bytes
    want: tuple
    then: str


def ask(target=b"/-/healthy", fields=b"", method=b"GET", version=b"HTTP/1.1", host=HOST):
    return method + b" " + target + b" " + version + b"\r\n" + host + fields + b"\r\n"


GOOD = ask()
ROWS = []


def row(name, request, *want, then=STAYS):
    ROWS.append(Row(name, request, want, then))


def refused(name, request, status="400"):
    row(name, request + GOOD, *([status] if status else []), then=ENDS)


def fields(name, text, status="400", target=b"/metrics?level=app", method=b"GET"):
    refused(name, ask(target, text, method), status)


# ---- the right ones, so that the others prove something
for _target, _status in ((b"/", "200"), (b"/metrics", "200"), (b"/metrics?level=app", "200"), (b"/-/healthy", "200"),
                         (b"/-/ready", "200"), (b"/%2d/healthy", "200"), (b"/metrics?level=a%70p", "200"),
                         (b"/metrics?", "200"), (b"/metrics?x", "200"), (b"/metrics?=&=&&", "200"), (b"/metrics?a?b=c", "200"),
                         (b"/metric", "404"), (b"/metrics/", "404"), (b"//metrics", "404"), (b"/METRICS", "404"),
                         (b"/metrics;a", "404"), (b"/./metrics", "404"), (b"/x/../metrics", "404"), (b"/%2e/metrics", "404"),
                         (b"/metrics%20", "404"), (b"/%2fmetrics", "404"), (b"/metrics%3flevel=app", "404"), (b"/%", "404"),
                         (b"/%4", "404"), (b"/%zz", "404"), (b"/%ff", "404"), (b"/%0d%0aX:%20y", "404"), (b"/-/", "404"),
                         (b"/favicon.ico", "404"), (b"/.git/config", "404"), (b"/..%2f..%2fetc%2fpasswd", "404"),
                         (b"/<script>alert(1)</script>", "404"), (b"/metrics?level=%0d%0aX:y", "400"), (b"/metrics?level=x",
                         "400"),
                         (b"/metrics?level=app&level=app", "400"), (b"/metrics?app=%3Cscript%3E", "400"),
                         (b"/metrics?name[]=nothing", "400"), (b"/probe", "400"), (b"/probe?community=x", "404"),
                         (b"/probe?community=%0d%0aX:y", "404"), (b"/probe?community=a&community=a", "400"),
                         (b"/sd?app=%3Cscript%3E", "400"), (b"/-/quit", "404")):
    row("get " + _target.decode(), ask(_target), _status)
    row("head " + _target.decode(), ask(_target, method=b"HEAD"), _status + "h",
        then=STAYS if _status != "200" or not _target.startswith(b"/metrics") else ENDS)
row("1.0", ask(b"/metrics?level=app", version=b"HTTP/1.0", host=b""), "200", then=ENDS)
row("1.0 with a host", ask(version=b"HTTP/1.0"), "200", then=ENDS)
row("1.0 kept", ask(b"/-/healthy", b"Connection: keep-alive\r\n", version=b"HTTP/1.0"), "200", then=None)
row("1.0 head", ask(b"/metrics?level=app", method=b"HEAD", version=b"HTTP/1.0", host=b""), "200h", then=ENDS)
row("two", GOOD * 2, "200", "200")
row("thirty", GOOD * 30, *["200"] * 30)
row("a page in between", GOOD + ask(b"/metrics?level=app") + ask(b"/no") + ask(method=b"HEAD") + GOOD, "200", "200", "404",
        "200h", "200")
row("empty lines in front", b"\r\n\r\n" + GOOD, "200")
row("empty lines between", GOOD + b"\r\n" + GOOD, "200", "200")
row("the last one", ask(b"/-/healthy", b"Connection: close\r\n") + GOOD, "200", then=ENDS)
for _name, _value in (("mixed case", b"Connection: CLOSE"), ("a list", b"Connection: x, close"), ("twice",
        b"Connection: x\r\nConnection: close")):
    row("close, " + _name, ask(b"/-/healthy", _value + b"\r\n") + GOOD, "200", then=ENDS)
for _name, _text in (("range", b"Range: bytes=0-3"), ("if-none-match", b"If-None-Match: *"), ("if-match", b"If-Match: \"x\""),
                     ("if-modified-since", b"If-Modified-Since: Wed, 01 Jan 2031 00:00:00 GMT"), ("if-range",
                     b"If-Range: \"x\"\r\nRange: bytes=0-"),
                     ("te", b"TE: trailers"), ("trailer", b"Trailer: X"), ("keep-alive",
                     b"Connection: keep-alive\r\nKeep-Alive: timeout=1"),
                     ("connection tokens", b"Connection: Host, Content-Length, Accept"), ("upgrade h2c",
                     b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__"),
                     ("upgrade websocket",
                     b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
                      b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13"),
                     ("cookies", b"Cookie: " + b"a=b; " * 300 + b"c"), ("odd cookie", b"Cookie: ==;;\"=\";"), ("forwarded",
                     b"X-Forwarded-For: 1.2.3.4\r\nForwarded: for=x"),
                     ("method override", b"X-HTTP-Method-Override: DELETE"), ("rewritten",
                     b"X-Original-URL: /-/reload\r\nX-Rewrite-URL: /-/reload"),
                     ("origin", b"Origin: http://evil.example"), ("odd accept", b"Accept: ;;;q=,,*/*;q=2"), ("high bytes",
                     b"X: \xff\xc3\x28"),
                     ("empty value", b"X:"), ("tabs", b"X:\t \ty\t"), ("content-length 0", b"Content-Length: 0"),
                     ("content-length 000", b"Content-Length: 000"),
                     ("authorization", b"Authorization: Basic !!!"), ("hundred fields less two", b"A: b\r\n" * 97 + b"Z: z"),
                     ("expect", b"Expect: 100-continue"),
                     ("shell", b"User-Agent: () { :; }; /bin/true"), ("a long field", b"X: " + b"y" * 12000)):
    row("get with " + _name, ask(b"/-/healthy", _text + b"\r\n"), "200")

# ---- ambiguous or broken heads
refused("no host", ask(host=b""))
refused("two hosts", ask(fields=HOST))
refused("two other hosts", ask(fields=b"Host: other\r\n"))
for _host in (b"a b", b"a,b", b"user@a", b"a/b", b"a?b", b"a\\b", b"<a>", b"\xc3\xa9"):
    refused(f"host {_host!r}", ask(host=b"Host: " + _host + b"\r\n"))
for _name, _text in (
        ("te", b"Transfer-Encoding: chunked\r\n"), ("te, cl", b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"),
        ("cl, te", b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"), ("te identity", b"Transfer-Encoding: identity\r\n"),
        ("te unknown", b"Transfer-Encoding: xchunked\r\n"), ("te twice",
        b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n"),
        ("te list", b"Transfer-Encoding: gzip, chunked\r\n"), ("te tab", b"Transfer-Encoding:\tchunked\r\n"), ("te empty",
        b"Transfer-Encoding:\r\n"),
        ("te upper", b"TRANSFER-ENCODING: CHUNKED\r\n"), ("te space", b"Transfer-Encoding : chunked\r\n"), ("te vertical tab",
        b"Transfer-Encoding: \x0bchunked\r\n"),
        ("two cl", b"Content-Length: 0\r\nContent-Length: 0\r\n"), ("two other cl",
        b"Content-Length: 0\r\nContent-Length: 40\r\n"),
        ("cl list", b"Content-Length: 0, 40\r\n"), ("cl minus", b"Content-Length: -1\r\n"), ("cl plus",
        b"Content-Length: +0\r\n"),
        ("cl hex", b"Content-Length: 0x0\r\n"), ("cl word", b"Content-Length: five\r\n"), ("cl huge",
        b"Content-Length: 99999999999999999999999\r\n"),
        ("cl empty", b"Content-Length:\r\n"), ("cl space", b"Content-Length : 40\r\n"), ("cl point", b"Content-Length: 0.0\r\n"),
        ("cl inner space", b"Content-Length: 0 0\r\n"), ("cl 2^64", b"Content-Length: 18446744073709551616\r\n"),
        ("name with a control", b"X\x01: y\r\n"), ("name with brackets", b"X(y): z\r\n"), ("no name", b": y\r\n"),
        ("name with a space", b"X Y: z\r\n"),
        ("name with high bytes", b"X\xe9: z\r\n"), ("name with a NUL", b"X\0: z\r\n"), ("value with a NUL", b"X: a\0b\r\n"),
        ("value with a bare CR", b"X: a\rb\r\n"),
        ("value with DEL", b"X: \x7f\r\n"), ("value with ESC", b"X: \x1b[31m\r\n"), ("folded", b"X: a\r\n b\r\n"),
        ("folded by tab", b"X: a\r\n\tb\r\n"),
        ("folded first", b" X: a\r\n"), ("bare lf", b"X: a\nY: b\r\n"), ("hidden by a NUL",
        b"X: a\0\r\nTransfer-Encoding: chunked\r\n"),
        ("expect and a body", b"Expect: 100-continue\r\nContent-Length: 5\r\n"), ("a body", b"Content-Length: 5\r\n")):
    fields(_name, _text)
    fields(_name + ", head", _text, "400h", method=b"HEAD")
fields("no colon", b"nothing\r\n")
for _name, _request in (
        ("te smuggles", ask(b"/", b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", b"POST") + b"0\r\n\r\n"),
        ("cl smuggles", ask(b"/", b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", b"POST") + b"0\r\n\r\nX"),
        ("two lf", b"GET / HTTP/1.1\nHost: x\n\n"), ("lf at the end", b"GET / HTTP/1.1\r\n" + HOST + b"\n"),
        ("lf after the line", b"GET / HTTP/1.1\n" + HOST + b"\r\n"),
        ("two spaces", b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n"), ("two spaces behind", b"GET /  HTTP/1.1\r\n" + HOST + b"\r\n"),
        ("a space at the end", b"GET / HTTP/1.1 \r\n" + HOST + b"\r\n"),
        ("method with brackets", ask(method=b"G(T")), ("method with NUL", ask(method=b"G\0T")), ("method with high bytes",
        ask(method=b"G\xc9T")),
        ("1.2", ask(version=b"HTTP/1.2", host=b"")), ("lower version", ask(version=b"http/1.1")), ("odd version",
        ask(version=b"HTTP/1.1x")),
        ("2.0", ask(version=b"HTTP/2.0")), ("3", ask(version=b"HTTP/3")), ("0.9 with a version", ask(version=b"HTTP/0.9")),
        ("other protocol", ask(version=b"RTSP/1.0")),
        ("preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\x04\0\0\0\0\0"), ("0.9", b"GET /\r\n"),
        ("0.9, no more", b"GET /metrics\r\n\r\n"),
        ("nul line", b"\0\r\n\r\n" + ask(host=b""))):
    refused(_name, _request, "400|505")
for _target in (b"http://localhost/metrics", b"https://localhost/", b"localhost/metrics", b"metrics", b"?level=app", b"*",
        b"localhost:443", b"\\metrics", b"#",
                b"/metrics%00", b"/metrics%00/secret", b"/%00", b"/metrics?level=app%00", b"/met rics", b"/metrics?a b",
                b"/metrics /x", b"/metrics\t", b"/metrics\0x",
                b"/metrics?\x01", b"/\x7f", b"/\xc3\xa9", b"/metrics?\xff", b"/a\rb", b"/?" + b"&" * 300,
                b"/metrics?" + b"name[]=x&" * 257):
    refused(f"target {_target[:30]!r} of {len(_target)}", ask(_target))
for _target in (b"*", b"localhost:443", b"http://localhost/metrics", b"/metrics%00"):
    refused(f"options {_target!r}", ask(_target, method=b"OPTIONS"))
    refused(f"connect {_target!r}", ask(_target, method=b"CONNECT"))

# ---- too much of it
refused("a target of 5,000", ask(b"/" + b"x" * 5000), "414")
refused("a query of 5,000", ask(b"/metrics?" + b"x" * 5000), "414")
refused("a target of 200,000", ask(b"/" + b"x" * 200000), "414|431|400")
refused("101 fields", ask(fields=b"A: b\r\n" * 101), "431")
refused("a head of 20,000", ask(fields=b"X: " + b"y" * 20000 + b"\r\n"), "431")
refused("a head of 200,000", ask(fields=b"X: " + b"y" * 200000 + b"\r\n"), "431|400")
refused("a name of 20,000", ask(fields=b"X" * 20000 + b": y\r\n"), "431")
refused("a method of 20,000", ask(method=b"M" * 20000), "405|431|400")
refused("60,000 bytes in no line", b"A" * 60000 + b" ", "400|414|431")

# ---- methods
for _method in (b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"CONNECT", b"PROPFIND", b"get", b"Get", b"GETT",
        b"X", b"PRI", b"M" * 3000):
    refused(f"{_method[:12].decode()} of {len(_method)}", ask(method=_method), "405|501")
    refused(f"{_method[:12].decode()} of {len(_method)}, no page", ask(b"/no", method=_method), "404|501")
for _method in (b"POST", b"PUT"):
    refused(f"{_method.decode()} with a body", ask(b"/metrics", b"Content-Length: 5\r\n", _method) + b"hello", "405|400")
    refused(f"{_method.decode()} waits to be asked", ask(b"/metrics", b"Content-Length: 5\r\nExpect: 100-continue\r\n",
            _method) + b"hello", "405|400")
    refused(f"{_method.decode()} of a form", ask(b"/metrics",
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n", _method) + b"level=app", "405|400")

# ---- what is no HTTP
refused("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(32, 64)) * 4 + b"\r\n\r\n", "400|505")
refused("an SSH banner", b"SSH-2.0-OpenSSH_9.2\r\n", None)
refused("SMTP", b"EHLO example.org\r\n\r\n", "400")
refused("a PROXY line", b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n", "400|404|501|505")
refused("one line", b"GET\r\n\r\n", None)
refused("tabs for spaces", b"GET\t/\tHTTP/1.1\r\n" + HOST + b"\r\n", None)

# ---- half of it, and then the client is gone
for _name, _text in (("nothing", b""), ("a byte", b"G"), ("no line", b"GET / HT"), ("a line", b"GET / HTTP/1.1\r\n"),
        ("half a field", b"GET / HTTP/1.1\r\nHos"),
                     ("no empty line", b"GET / HTTP/1.1\r\n" + HOST), ("a CR", b"GET / HTTP/1.1\r\n" + HOST + b"\r"),
                     ("empty lines", b"\r\n" * 50)):
    row("half: " + _name, _text, then=HALF)


def lifecycle(on):
    """POST /-/reload, with the switch and without."""
    done, reads = ("200", "405") if on else ("403", "405")
    kept, rows = list(ROWS), ROWS
    rows.clear()
    for method in (b"POST", b"PUT"):
        m = method.decode()
        row(m + " reload", ask(b"/-/reload", b"Content-Length: 0\r\n", method), done, then=None)
        row(m + " reload without a length", ask(b"/-/reload", b"", method), done, then=None)
        refused(m + " reload with a body", ask(b"/-/reload", b"Content-Length: 5\r\n", method) + b"hello", "400|403")
        refused(m + " reload in chunks", ask(b"/-/reload", b"Transfer-Encoding: chunked\r\n", method) + b"0\r\n\r\n", "400")
        refused(m + " reload, two lengths", ask(b"/-/reload", b"Content-Length: 0\r\nContent-Length: 7\r\n", method), "400")
        refused(m + " reload, NUL", ask(b"/-/reload%00", b"", method), "400")
        refused(m + " reload/", ask(b"/-/reload/", b"", method), "404")
    for method in (b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"RELOAD"):
        refused(method.decode() + " reload", ask(b"/-/reload", method=method), reads + ("h" if method == b"HEAD" else "|501"))
    found = list(rows)
    rows[:] = kept
    return found
