"""Every rule of exposition.py, broken once."""

import unittest

import exposition
from exposition import check, parse

HEAD = "# HELP a_total A.\n# TYPE a_total counter\n"
GAUGE = "# HELP g G.\n# TYPE g gauge\n"
HISTOGRAM = "# HELP h H.\n# TYPE h histogram\n"

GOOD = [
    "",
    HEAD + "a_total 0\n",
    HEAD + 'a_total{x="1",y="\\\\ \\" \\n é 💬"} 1e+06\n',
    GAUGE + "g NaN\n" + HEAD + "a_total 5\n",
    GAUGE + 'g{a="1"} -Inf\ng{a="2"} .5\ng{a="3"} 5.\n',
    HISTOGRAM + 'h_bucket{le="0.5"} 1\nh_bucket{le="+Inf"} 2\nh_sum 1.5\nh_count 2\n',
    HISTOGRAM + 'h_bucket{c="x",le="+Inf"} 2\nh_sum{c="x"} 1\nh_count{c="x"} 2\n'
    'h_bucket{c="y",le="+Inf"} 0\nh_sum{c="y"} 0\nh_count{c="y"} 0\n',
    "# HELP g Back \\\\ and \\n line.\n# TYPE g gauge\ng 1\n",
]

# text, the line and a word of the message
BAD = [
    (HEAD + "a_total 0", 3, "no newline"),
    (HEAD + "a_total 0\r\n", 3, "U+000D"),
    (GAUGE + 'g{a="\0"} 1\n', 3, "U+0000"),
    (GAUGE + 'g{a="\ud800"} 1\n', 3, "U+D800"),
    (HEAD + "\na_total 0\n", 3, "empty line"),
    (HEAD + "# EOF\na_total 0\n", 3, "comment"),
    ("a_total 0\n", 1, "neither HELP nor TYPE"),
    ("# TYPE g gauge\ng 1\n", 1, "no HELP"),
    ("# HELP g G.\ng 1\n", 1, "no TYPE"),
    (GAUGE, 1, "no sample"),
    ("# HELP g G.\n# HELP g G.\n# TYPE g gauge\ng 1\n", 2, "second HELP"),
    (GAUGE + "# TYPE g gauge\ng 1\n", 3, "second TYPE"),
    (GAUGE + "g 1\n# HELP g G.\n", 4, "after its samples"),
    ("# HELP g\n# TYPE g gauge\ng 1\n", 1, "says nothing"),
    ("# HELP g a \\t b\n# TYPE g gauge\ng 1\n", 1, "backslash"),
    ("# HELP g G.\n# TYPE g info\ng 1\n", 2, "none of"),
    ("# HELP 5g G.\n", 1, "no metric name"),
    (GAUGE + "5g 1\n", 3, "no metric name"),
    (GAUGE + "g1\n", 3, "one space is missing"),
    (GAUGE + "g  1\n", 3, "is no number"),
    (GAUGE + "g 1 \n", 3, "after the value"),
    (GAUGE + "g 1 1700000000000\n", 3, "after the value"),
    (GAUGE + "g 1,5\n", 3, "is no number"),
    (GAUGE + "g 0x10\n", 3, "is no number"),
    (GAUGE + "g nan\n", 3, "is no number"),
    (GAUGE + "g Inf\n", 3, "is no number"),
    (GAUGE + "g 1e\n", 3, "is no number"),
    (GAUGE + "g{} 1\n", 3, "no label name"),
    (GAUGE + 'g{a="1",} 1\n', 3, "no label name"),
    (GAUGE + 'g{5="1"} 1\n', 3, "no label name"),
    (GAUGE + 'g{a-b="1"} 1\n', 3, "not followed"),
    (GAUGE + "g{a='1'} 1\n", 3, "not followed"),
    (GAUGE + 'g{a = "1"} 1\n', 3, "not followed"),
    (GAUGE + 'g{a="1" b="2"} 1\n', 3, "neither ,"),
    (GAUGE + 'g{a="1"b="2"} 1\n', 3, "neither ,"),
    (GAUGE + 'g{a="1\n', 3, "closing quote"),
    (GAUGE + 'g{a="\\t"} 1\n', 3, "escape"),
    (GAUGE + 'g{a="1""} 1\n', 3, "neither ,"),
    (GAUGE + 'g{a="1",a="2"} 1\n', 3, "stands twice"),
    (GAUGE + 'g{__a="1"} 1\n', 3, "reserved"),
    (GAUGE + 'g{a="1"}1\n', 3, "one space is missing"),
    (GAUGE + 'g{a="1",b="2"} 1\ng{b="2",a="1"} 2\n', 4, "same series"),
    (GAUGE + "g 1\n" + HEAD + "a_total 1\ng 2\n", 7, "outside of its family"),
    (GAUGE + "g 1\n" + HEAD + "a_total 1\n# HELP g G.\n", 7, "stand together"),
    (HEAD + "a_total -1\n", 3, "counter of -1"),
    (HEAD + "a_total NaN\n", 3, "counter of nan"),
    ("# HELP a A.\n# TYPE a counter\na 1\n", 3, "_total"),
    (HISTOGRAM + 'h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n', 3, "no +Inf"),
    (HISTOGRAM + 'h_bucket{le="+Inf"} 2\nh_sum 1\nh_count 1\n', 3, "not the +Inf bucket"),
    (HISTOGRAM + 'h_bucket{le="+Inf"} 2\nh_count 2\n', 3, "one _sum"),
    (HISTOGRAM + 'h_bucket{le="2"} 2\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 2\nh_sum 1\nh_count 2\n', 4, "ascend"),
    (HISTOGRAM + 'h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n', 4, "counts less"),
    (HISTOGRAM + 'h_bucket 2\nh_sum 1\nh_count 2\n', 3, "numeric le"),
]


OM = "application/openmetrics-text; version=1.0.0; charset=utf-8"
OM_COUNTER = "# HELP a A.\n# TYPE a counter\n"
OM_INFO = "# HELP i I.\n# TYPE i info\n"
EOF = "# EOF\n"

OM_GOOD = [
    EOF,
    OM_COUNTER + "a_total 0\n" + OM_INFO + 'i_info{x="1"} 1\n' + GAUGE + "g NaN\n" + EOF,
    '# HELP g A \\"quote\\", a \\\\ and a \\n.\n# TYPE g gauge\ng 1\n' + EOF,
    HISTOGRAM + 'h_bucket{le="0.5"} 1\nh_bucket{le="+Inf"} 2\nh_sum 1.5\nh_count 2\n' + EOF,
]

OM_BAD = [
    ("", 1, "# EOF"),
    (GAUGE + "g 1\n", 4, "not # EOF"),
    (GAUGE + "g 1\n# EOF", 4, "not # EOF"),
    (GAUGE + "g 1\n" + EOF + EOF, 5, "second # EOF"),
    (GAUGE + EOF + "g 1\n", 4, "behind # EOF"),
    (GAUGE + "\ng 1\n" + EOF, 3, "empty line"),
    (GAUGE + "# hello\ng 1\n" + EOF, 3, "comment"),
    (HEAD + "a_total 0\n" + EOF, 1, "has no _total"),
    (OM_COUNTER + "a 0\n" + EOF, 3, "neither HELP nor TYPE"),
    (OM_COUNTER + "a_total -1\n" + EOF, 3, "counter of -1"),
    ("# HELP i_info I.\n# TYPE i_info info\ni_info_info 1\n" + EOF, 1, "has no _info"),
    (OM_INFO + "i 1\n" + EOF, 3, "neither HELP nor TYPE"),
    (OM_INFO + "i_info 2\n" + EOF, 3, "info of 2"),
    ("# HELP g G.\n# TYPE g untyped\ng 1\n" + EOF, 2, "none of"),
    ('# HELP g A "quote".\n# TYPE g gauge\ng 1\n' + EOF, 1, "quote in HELP"),
    (OM_COUNTER + "a_total 0\n# HELP a_created A.\n# TYPE a_created gauge\na_created 1\n" + EOF, 4, "as well"),
    (HISTOGRAM + 'h_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 1.5\nh_count 2\n' + EOF, 3, "as a float"),
    (GAUGE + "g 1\n" + OM_COUNTER + "a_total 1\ng 2\n" + EOF, 7, "outside of its family"),
    (OM_COUNTER + "a_total 1\na_total 1\n" + EOF, 4, "same series"),
    (GAUGE + "g 1 1700000000\n" + EOF, 3, "after the value"),
]


class Exposition(unittest.TestCase):
    def test_good_pages_pass(self):
        for text in GOOD:
            with self.subTest(text):
                self.assertEqual([], [str(p) for p in check(text)])

    def test_bad_pages_are_told_by_line_and_reason(self):
        for text, line, word in BAD:
            with self.subTest(text):
                problems = check(text)
                self.assertTrue(any(p.line == line and word in p.text for p in problems), [str(p) for p in problems])

    def test_good_pages_of_openmetrics_pass(self):
        for text in OM_GOOD:
            with self.subTest(text):
                self.assertEqual([], [str(p) for p in check(text, OM)])

    def test_bad_pages_of_openmetrics_are_told(self):
        for text, line, word in OM_BAD:
            with self.subTest(text):
                problems = check(text, OM)
                self.assertTrue(any(p.line == line and word in p.text for p in problems), [str(p) for p in problems])

    def test_a_type_of_no_format_is_refused(self):
        with self.assertRaises(ValueError):
            check("", "text/html")

    def test_a_series_seen_before_is_read_like_a_new_one(self):
        pages = [(text, None) for text in (*GOOD, *(bad[0] for bad in BAD))]
        pages += [(text, OM) for text in (*OM_GOOD, *(bad[0] for bad in OM_BAD))]
        for text, kind in pages:
            with self.subTest(text):
                exposition.FAULTLESS.clear()
                new = check(text, kind)
                self.assertEqual(new, check(text, kind))
        page = GAUGE + 'g{a="1"} 1\n'
        self.assertEqual([s.labels for s in parse(page)], [s.labels for s in parse(page)])
        self.assertIn('g{a="1"}', exposition.FAULTLESS)
        parse(page)[0].labels["a"] = "2"
        self.assertEqual({"a": "1"}, parse(page)[0].labels)

    def test_labels_are_read_back(self):
        sample = parse(GAUGE + 'g{a="\\\\\\n\\"",b=""} 2.5\n')[0]
        self.assertEqual(("g", {"a": '\\\n"', "b": ""}, 2.5), (sample.name, sample.labels, sample.value))
        with self.assertRaises(ValueError):
            parse("g 1\n")


if __name__ == "__main__":
    unittest.main()
