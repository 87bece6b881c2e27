// CPU of a poll by Go's net/http and encoding/json: HTTP/1.1 with kept connections, the server's certificate checked,
// the answer decoded into structs of the fields that the exporter reads. Standard library only.
//
//	poll CA-FILE
//
// reads the URL, the body, and "calls-in-flight calls" as three lines. For each line after them it makes that many calls and
// prints the CPU microseconds that one took, the whole process counted.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
)

type answer struct {
	ErrorCode        int
	TopicAndSelfInfo []struct {
		ErrorCode int
		TopicInfo struct {
			TopicId, TopicName, MuteAllMember   string
			NextMsgSeq, CreateTime, LastMsgTime int64
		}
	}
}

// One call. The decoder ends with the document; what follows is read so that the connection is kept.
func poll(client *http.Client, url, body string) int {
	response, err := client.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		log.Fatal("a call failed") // its text would hold the URL
	}
	defer response.Body.Close()
	var a answer
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil {
		log.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || a.ErrorCode != 0 || len(a.TopicAndSelfInfo) == 0 {
		log.Fatal("an answer without topics")
	}
	io.Copy(io.Discard, response.Body)
	return len(a.TopicAndSelfInfo)
}

func run(client *http.Client, url, body string, inFlight, calls int) {
	var workers sync.WaitGroup
	work := make(chan struct{}, calls)
	for i := 0; i < calls; i++ {
		work <- struct{}{}
	}
	close(work)
	for i := 0; i < inFlight; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for range work {
				poll(client, url, body)
			}
		}()
	}
	workers.Wait()
}

func cpuMicroseconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		log.Fatal(err)
	}
	return float64(u.Utime.Sec+u.Stime.Sec)*1e6 + float64(u.Utime.Usec+u.Stime.Usec)
}

func newClient(caFile string, inFlight int) *http.Client {
	pem, err := os.ReadFile(caFile)
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		log.Fatal("no certificate in the CA file")
	}
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots},
		TLSNextProto:        map[string]func(string, *tls.Conn) http.RoundTripper{}, // no HTTP/2
		MaxIdleConnsPerHost: inFlight,
	}}
}

func main() {
	var inFlight, calls int
	lines := bufio.NewScanner(os.Stdin)
	next := func() string {
		if !lines.Scan() {
			os.Exit(0)
		}
		return lines.Text()
	}
	url, body := next(), next()
	if _, err := fmt.Sscan(next(), &inFlight, &calls); err != nil || len(os.Args) != 2 {
		log.Fatal("usage: poll CA-FILE, and three lines to read")
	}
	client := newClient(os.Args[1], inFlight)
	for {
		next()
		start := cpuMicroseconds()
		run(client, url, body, inFlight, calls)
		fmt.Printf("%.2f\n", (cpuMicroseconds()-start)/float64(calls))
	}
}
