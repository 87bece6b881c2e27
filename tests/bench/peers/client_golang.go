// The series of a page as a const collector of client_golang: compact values of its own, and metrics made anew for each
// scrape. Served by promhttp with its defaults. Prints the address it listens on.
//
//	client_golang PAGE-IN-TEXT-FORMAT
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

type sample struct {
	labels []string // values, in the order of the family's names
	value  float64
}

type family struct {
	name, help, kind string
	names            []string
	samples          []sample
	desc             *prometheus.Desc
}

type page struct{ families []*family }

// Label texts of these pages hold no escapes. The parts are cut out of the line, not copied.
func readSample(line string, f *family) {
	space := strings.LastIndexByte(line, ' ')
	value, err := strconv.ParseFloat(line[space+1:], 64)
	if err != nil || strings.IndexByte(line, '\\') >= 0 {
		log.Fatalf("not a line of a page: %s", line)
	}
	s := sample{value: value}
	first := f.names == nil
	for rest := strings.TrimSuffix(strings.TrimPrefix(line[:space], f.name), "}"); rest != ""; {
		equals := strings.Index(rest, "=\"")
		end := equals + 2 + strings.IndexByte(rest[equals+2:], '"')
		if first {
			f.names = append(f.names, rest[1:equals])
		}
		s.labels = append(s.labels, rest[equals+2:end])
		rest = rest[end+1:]
	}
	f.samples = append(f.samples, s)
}

func readPage(text string) *page {
	p := &page{}
	var f *family
	for text != "" {
		end := strings.IndexByte(text, '\n')
		line := text[:end]
		text = text[end+1:]
		switch {
		case strings.HasPrefix(line, "# HELP "):
			part := strings.SplitN(line, " ", 4)
			f = &family{name: part[2], help: part[3]}
			p.families = append(p.families, f)
		case strings.HasPrefix(line, "# TYPE "):
			f.kind = line[strings.LastIndexByte(line, ' ')+1:]
		default:
			readSample(line, f)
		}
	}
	for _, f := range p.families {
		f.desc = prometheus.NewDesc(f.name, f.help, f.names, nil)
	}
	return p
}

func (p *page) Describe(out chan<- *prometheus.Desc) {
	for _, f := range p.families {
		out <- f.desc
	}
}

func (p *page) Collect(out chan<- prometheus.Metric) {
	for _, f := range p.families {
		kind := prometheus.GaugeValue
		if f.kind == "counter" {
			kind = prometheus.CounterValue
		}
		for i := range f.samples {
			s := &f.samples[i]
			out <- prometheus.MustNewConstMetric(f.desc, kind, s.value, s.labels...)
		}
	}
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: client_golang PAGE-IN-TEXT-FORMAT")
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(readPage(string(text)))
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}
