// chart FOLDER RELEASE NAMESPACE [VALUES]: renders a Helm chart as `helm template` would, with the same template engine, functions and
// YAML, for where there is no Helm. It knows what this project's chart uses: no subcharts, no hooks, no lookup.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"github.com/ghodss/yaml"
)

type object = map[string]interface{}

type files struct{ folder string }

// Get is `.Files.Get`: empty when there is none.
func (f files) Get(name string) string {
	text, _ := os.ReadFile(filepath.Join(f.folder, name))
	return string(text)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

func load(path string) object {
	text, err := os.ReadFile(path)
	check(err)
	values := object{}
	check(yaml.Unmarshal(text, &values))
	return values
}

// merge puts the values of `over` into `under`; null takes one away.
func merge(under, over object) {
	for name, value := range over {
		inner, both := value.(object)
		below, ok := under[name].(object)
		switch {
		case value == nil:
			delete(under, name)
		case both && ok:
			merge(below, inner)
		default:
			under[name] = value
		}
	}
}

func functions(root *template.Template) template.FuncMap {
	all := sprig.TxtFuncMap()
	for _, name := range []string{"env", "expandenv"} { // Helm has not got them
		delete(all, name)
	}
	all["include"] = func(name string, data interface{}) (string, error) {
		var text strings.Builder
		err := root.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	all["toYaml"] = func(value interface{}) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	all["required"] = func(why string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, fmt.Errorf("%s", why)
		}
		return value, nil
	}
	return all
}

func main() {
	if len(os.Args) < 4 || len(os.Args) > 5 {
		fmt.Fprintln(os.Stderr, "usage: chart FOLDER RELEASE NAMESPACE [VALUES]")
		os.Exit(2)
	}
	folder := os.Args[1]
	meta := load(filepath.Join(folder, "Chart.yaml"))
	values := load(filepath.Join(folder, "values.yaml"))
	if len(os.Args) == 5 {
		merge(values, load(os.Args[4]))
	}
	data := object{
		"Values":  values,
		"Chart":   object{"Name": meta["name"], "Version": meta["version"], "AppVersion": meta["appVersion"]},
		"Release": object{"Name": os.Args[2], "Namespace": os.Args[3], "Service": "Helm"},
		"Files":   files{folder},
	}

	root := template.New("chart").Option("missingkey=zero")
	root.Funcs(functions(root))
	names, err := filepath.Glob(filepath.Join(folder, "templates", "*"))
	check(err)
	sort.Strings(names)
	for _, name := range names {
		text, err := os.ReadFile(name)
		check(err)
		_, err = root.New(filepath.Base(name)).Parse(string(text))
		check(err)
	}
	for _, name := range names {
		name = filepath.Base(name)
		if strings.HasPrefix(name, "_") {
			continue
		}
		var text bytes.Buffer
		check(root.ExecuteTemplate(&text, name, data))
		if strings.Contains(text.String(), "<no value>") {
			check(fmt.Errorf("%s: a value that is not there", name))
		}
		if name == "NOTES.txt" {
			fmt.Fprint(os.Stderr, text.String())
		} else if strings.TrimSpace(text.String()) != "" {
			fmt.Printf("---\n# Source: %s\n%s\n", name, strings.Trim(text.String(), "\n"))
		}
	}
}
