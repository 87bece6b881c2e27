"""The series of a page as a custom collector of Debian's python3-prometheus-client: compact values of its own, and
metrics made anew for each scrape. Prints the address it listens on.

    /usr/bin/python3 python_client.py PAGE-IN-TEXT-FORMAT
"""

import re
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

LABEL = re.compile(r'(\w+)="([^"]*)"')


class Family:
    def __init__(self, name, text):
        self.name, self.text = name, text
        self.kind = GaugeMetricFamily
        self.labels, self.samples = (), []


class Page:
    """Label texts of these pages hold no escapes."""

    def __init__(self, lines):
        self.families = []
        same = {}  # a label text that returns is kept once
        for line in lines:
            if line.startswith("# HELP "):
                _, _, name, text = line.rstrip("\n").split(" ", 3)
                self.families.append(Family(name, text))
            elif line.startswith("# TYPE "):
                if line.endswith(" counter\n"):
                    self.families[-1].kind = CounterMetricFamily
            else:
                series, value = line.rsplit(" ", 1)
                found = LABEL.findall(series)
                self.families[-1].labels = tuple(name for name, _ in found)
                values = tuple(same.setdefault(value, value) for _, value in found)
                self.families[-1].samples.append((values, float(value)))

    def collect(self):
        for family in self.families:
            metric = family.kind(family.name, family.text, labels=family.labels)
            for values, value in family.samples:
                metric.add_metric(values, value)
            yield metric

    def describe(self):
        return []


class Silent(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def main():
    with open(sys.argv[1], encoding="utf-8") as text:
        page = Page(text)
    registry = CollectorRegistry()
    registry.register(page)
    server = make_server("127.0.0.1", 0, make_wsgi_app(registry), handler_class=Silent)
    print("%s:%d" % server.server_address, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
