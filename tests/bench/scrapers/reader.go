// A page as Go's net/http has it: gzip is asked for and opened without a word from the caller. Writes the body.
//
//	reader URL ACCEPT
package main

import (
	"io"
	"log"
	"mime"
	"net/http"
	"os"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: reader URL ACCEPT")
	}
	request, err := http.NewRequest("GET", os.Args[1], nil)
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Accept", os.Args[2])
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	media, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || answer.StatusCode != 200 || !answer.Uncompressed || media != strings.Split(os.Args[2], ";")[0] {
		log.Fatalf("%s, %v, opened %v: not what was asked for", answer.Status, answer.Header, answer.Uncompressed)
	}
	if _, err := io.Copy(os.Stdout, answer.Body); err != nil {
		log.Fatal(err)
	}
}
