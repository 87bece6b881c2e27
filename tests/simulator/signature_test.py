"""How the service judges a UserSig: fields, time, keys, and the texts that the vendor's own code makes.

    signature_test.py BINARY [unittest arguments]
"""

import base64
import json
import os
import sys
import time
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from client import GET_TOPIC, usersig
from scratch import Scratch, Small, main, until


class Signatures(Small):
    def setUp(self):
        self.assertEqual(self.code(), 0)  # a good signature ends every row of bad ones

    def sign(self, **change):
        return self.signed_at(0, **change)

    def test_any_encoder_is_accepted(self):
        key = self.chat.secret_key()
        for level in (-1, 0, 1, 9):
            self.assertEqual(self.code(usersig=usersig(1400000001, "administrator", key, level=level)), 0)

    def test_the_text_is_taken_apart(self):
        good = self.sign()
        packed = base64.b64decode(good.translate(str.maketrans("*-_", "+/=")))
        plain = zlib.decompress(packed)
        remake = lambda b: base64.b64encode(b).decode().translate(str.maketrans("+/=", "*-_"))
        for bad in (good[:-4], good[:-1], "AAAA", "%", good + "AAAA", remake(packed + b"x"), remake(plain),
                    remake(zlib.compress(b"[]")), remake(zlib.compress(b" " * 100000 + plain)),
                    "_" + good[1:], good.replace("e", "+", 1)):
            with self.subTest(bad):
                self.assertEqual(self.code(), 0)
                self.assertEqual(self.code(usersig=bad), 70003)

    def test_each_field_counts(self):
        for code, change in ((70003, {"TLS.ver": "1.0"}), (70013, {"TLS.identifier": "other"}),
                             (70014, {"TLS.sdkappid": 1400000002}), (70009, {"TLS.expire": 86401}),
                             (70009, {"TLS.time": 1}), (70009, {"TLS.userbuf": "eA=="}), (70009, {"TLS.sig": "x"}),
                             (70003, {"TLS.sdkappid": "1400000001"}), (70003, {"TLS.expire": 1.5})):
            with self.subTest(change):
                self.assertEqual(self.code(), 0)
                self.assertEqual(self.code(usersig=self.sign(**change)), code)
        self.assertEqual(self.code(usersig=usersig(1400000001, "administrator", "another key")), 70009)
        self.assertEqual(self.code(usersig=""), 70002)

    def test_the_last_second_is_valid(self):
        self.assertEqual(self.code(usersig=self.signed_at(-100, 90)), 70001)

        def within_that_second():
            now = int(time.time())
            code = self.code(usersig=self.signed_at(now - 100 - int(time.time()), 100))
            return int(time.time()) == now and (code,)

        self.assertEqual(until(within_that_second, "signed and judged within a second"), (0,))
        self.assertEqual(self.code(usersig=self.signed_at(-100, 99)), 70001)
        self.assertEqual(self.code(usersig=self.signed_at(+1000, 10)), 0)

    def test_the_clock_can_be_shifted(self):
        signed = self.sign()
        self.chat.shift_clock(86500)
        self.assertEqual(self.code(usersig=signed), 70001)
        self.chat.shift_clock(-86500)
        self.assertEqual(self.code(usersig=signed), 0)

    def test_only_administrators_may_call(self):
        key = self.chat.secret_key()
        self.assertEqual(self.code(identifier="mallory", usersig=usersig(1400000001, "mallory", key)), 60010)

    def test_a_rotated_key_ends_the_old_one(self):
        old = self.sign()
        self.chat.rotate_key()
        self.assertEqual(self.code(usersig=old), 70009)
        self.assertEqual(self.code(), 0)
        self.chat.rotate_key(secret_key="a fixed key")
        self.assertEqual(self.code(usersig=usersig(1400000001, "administrator", "a fixed key")), 0)
        self.assertEqual(os.stat(self.chat.app()["secret_key_file"]).st_mode & 0o777, 0o600)


# Made with the code that the vendor publishes, in several languages: (now, expected, sdkappid, identifier, token).
PYTHON = ("eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkElNyM-NgUsUp2YkFBZkpQAlDEwMIMITKpVYUZBalAmUszIBSUMGSzFyQkKG5GUSxOcyg"
          "zHSQ4cGOrhbauWaVlXm5HulFme4*6T6mJsVG*fpF5d7J6b5eru7piUYe6SW5JcW2SrUAAdkyZw__")
VECTORS = (
    (1760000007, 0, 1400000001, "admin", PYTHON),
    (1760000007, 0, 1400000001, "admin",  # Go: stored, not compressed, a line end behind the object
     "eAEBpwBY-3siVExTLnZlciI6IjIuMCIsIlRMUy5pZGVudGlmaWVyIjoiYWRtaW4iLCJUTFMuc2RrYXBwaWQiOjE0MDAwMDAwMDEsIlRMUy5leHBpcmUi"
     "Ojg2NDAwLCJUTFMudGltZSI6MTc2MDAwMDAwNywiVExTLnNpZyI6IlNBRTgrbTZ5eW5tSGdyaUdMZ0w1NHMyby9yd0tjZ01KRUdnYTJIZ3RtdHM9In0K"
     "0AMxEQ__"),
    (1760000007, 0, 1400000001, "admin",  # C++: fast compression, another order
     "eAGrVgrxCdYrSy1SslIy0jNQ0gHzi1OyEwsKMlOUrAxNDCDAECKTmZKaV5KZlgnWkJiSm5kH1VKSmZsKVG5uBlFuDlGeWlGQWQQUtzADmgM1OzMdaFew"
     "o6uFdq5ZZWVerkd6Uaa7T7qPqUmxUb5*Ubl3crqvl6t7eqKRR3pJbkmxrVItAGmOMQc_"),
    (1760000007, 0, 1400000001, "admin",  # PHP: escaped slashes
     "eJyrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwokpuZl5UInilOzEgoLMFCUrQxMDCDCEyKRWFGQWpSpZWZgBJSBCJZm5QAFDczOIQnOoEZnpQEOD"
     "HV0ttHPNKivzcj3SizLdfdJ9TE2KjfJj9IvKvZPTfb1c3dMTjTzSS3JLim2VagHQoDFj"),
    (1760000000, 0, 1400000001, 'a"b\\c',
     "eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkEmOUkmJikmGSxSnZiQUFmSlAKUMTAwgwhMqlVhRkFqUCZSzMgFJQwZLMXJCQobkZVDXMoMx0"
     "kPHuWYFOHu4lIWUG*cW*-sGVyfn5*UHJ4aXp5kZZHjmu4dpVbm5RuR6VWYGutkq1AFVrMvg_"),
    (1760000000, 0, 1400000001, "用户-é",
     "eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkYkrNTY0sYkrNjIzNdWNKDQxSLWEKi1OyEwsKMlOAygxNDCDAECqXWlGQWZQKlLEwA0pBBUsy"
     "c0FChuZmUNUwgzLTQVZ5FWgXmLgkZyd6B1d4h*QVp5jnOZlnOqZ55BtkuPhXekT4hGeZVVoYpqQ62irVAgB5nzUx"),
    (1700000000, 0, 1400000000, "xiaojun",
     "eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkKjIT87NK82CSxSnZiQUFmSlAKUMTAyiAyqVWFGQWpYJkTE1NjRDiJZm5YFFzNPXFmekgG3zK"
     "HM1T9D3LzdODi-OKs8vCqpxcAvydnV2SSv2cy03cPcpDnA2SMgu0nUxslWoBHdYzUg__"),
    (1735689600, 0, 4294967295, "admin",
     "eJw9zE0LgjAcgPGvIrsWMnWbLuhQ4kGYB8lD18Fm-BPXmOIL0XdPy7o*P3ieqBIXf9AOHTwU*hjtvU8BpU0PNXxBqhbMjzrVSGtBLUBCTjiLQ04305MF"
     "pxdJGMF4iz20awriiLKEs3-v4LbO03SUxbXkrRCNofR*ckGudpmZH466LJ-LKTpHpBqKsTyi1xsYyDIy"),
    (1760086437, 70001, 1400000001, "admin", PYTHON),
    (1760000007, 70009, 1400000002, "admin", None),
    (1760000007, 70014, 1400000002, "admin", PYTHON),
    (1760000007, 70013, 1400000001, "用户-é", PYTHON),
    (1760000007, 70003, 1400000001, "admin", PYTHON.translate(str.maketrans("*-_", "-_="))),  # the usual alphabet
    (1760000007, 70003, 1400000001, "admin", PYTHON.translate(str.maketrans("*-_", "+/="))),
)


class Vectors(Scratch):
    scenario = r"""
lockout = { failures = 0; };
apps = (
  { sdkappid = 1400000001; identifiers = [ "admin", "a\"b\\c", "用户-é" ];
    secret_key = "f403c554b7a44702242d609edcaa10a78172dc622698add5c148d6408924c2af"; },
  { sdkappid = 1400000002; identifiers = [ "admin" ];
    secret_key = "f403c554b7a44702242d609edcaa10a78172dc622698add5c148d6408924c2af"; },
  { sdkappid = 1400000000; identifiers = [ "xiaojun" ];
    secret_key = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"; },
  { sdkappid = 4294967295; identifiers = [ "admin" ];
    secret_key = "7a40389a1844d7514d7b17d333f0423406e6c5a7eee69fb4cdc3bfd57a4de693"; } );
"""

    def test_the_published_encoders_are_understood(self):
        for now, expected, sdkappid, identifier, token in VECTORS:
            with self.subTest(f"{identifier} {token}"):
                token = token or usersig(sdkappid, identifier, "7a40389a1844d7514d7b17d333f0423406e6c5a7", now)
                self.chat.shift_clock(now - int(time.time()))
                answer = self.chat.call(GET_TOPIC, {"GroupId": "none", "From_Account": "x"}, sdkappid, usersig=token,
                                        identifier=identifier)[2]
                # Behind the gate there is no such community.
                self.assertEqual(json.loads(answer)["ErrorCode"], expected or 10010)


if __name__ == "__main__":
    main()
