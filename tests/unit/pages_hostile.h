/* A name that means harm, and what stands in a page for it. */
#ifndef TESTS_UNIT_PAGES_HOSTILE_H
#define TESTS_UNIT_PAGES_HOSTILE_H

#define HOSTILE \
	"</a><img src=x onerror=\"a('b')\">&\x01\x7f\xe2\x80\xae\xe2\x81\xa6\xc2\x9b\xff\xf0\x9f\x92\xb3"
#define SHOWN                                                                  \
	"&lt;/a&gt;&lt;img src=x onerror=&quot;a(&#39;b&#39;)&quot;&gt;&amp;"      \
	"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" \
	"\xf0\x9f\x92\xb3"

#endif
