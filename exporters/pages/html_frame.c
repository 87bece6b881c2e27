/* What stands around every page. Links are relative, so that a proxy may put the exporter below a path. */
#include <inttypes.h>
#include <string.h>

#include "exporters/pages/assets.h"
#include "exporters/pages/html.h"

static void add_link(struct buf *out, const struct html_frame *f, const char *path, const char *says)
{
	buf_fmt(out, "<a href=\"%s", f->root);
	html_str(out, path[1] != '\0' ? path + 1 : "./");
	buf_fmt(out, "\"%s>%s</a>\n", strcmp(path, f->here) == 0 ? " aria-current=\"page\"" : "", says);
}

void html_begin(struct buf *out, const struct html_frame *f)
{
	buf_fmt(out,
	        "<!DOCTYPE html>\n<html lang=\"en\" data-now=\"%" PRId64 "\" data-build=\"%s\">\n"
	        "<head><meta charset=\"utf-8\"><title>",
	        f->now_s, assets_build());
	html_str(out, f->title);
	buf_fmt(out,
	        "</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	        "<meta name=\"color-scheme\" content=\"light dark\">\n"
	        "<link rel=\"icon\" type=\"image/svg+xml\" href=\"%sassets/favicon.svg\">\n"
	        "<link rel=\"stylesheet\" href=\"%sassets/status.css\">\n",
	        f->root, f->root);
	if (f->live)
		buf_fmt(out, "<script src=\"%sassets/status.js\" defer></script>\n", f->root);
	buf_fmt(out,
	        "</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n"
	        "<header class=\"top\"><div class=\"wrap\">\n<a class=\"brand\" href=\"%s./\">"
	        "<svg width=\"20\" height=\"20\" viewBox=\"0 0 32 32\" aria-hidden=\"true\">"
	        "<path class=\"mark\" d=\"M7 4h18a4 4 0 0 1 4 4v12a4 4 0 0 1-4 4H15l-7 5v-5H7a4 4 0 0 1-4-4V8a4 "
	        "4 0 0 1 4-4z\"/>"
	        "<path class=\"pulse\" d=\"M7 15h5l3-6 3 10 3-4h4\"/></svg>"
	        "<span>tencentchat_exporter</span></a>\n<nav aria-label=\"Pages\">",
	        f->root);
	add_link(out, f, "/status", "Status");
	add_link(out, f, f->telemetry_path, "Metrics");
	add_link(out, f, "/api/v1/status", "JSON");
	buf_str(out, "</nav>\n");
	if (f->live)
		buf_str(out, "<div class=\"live\" id=\"live\" hidden><span id=\"state\" role=\"status\"></span>"
		             "<button type=\"button\" id=\"pause\">Pause</button></div>\n");
	buf_str(out, "</div></header>\n<main id=\"main\" class=\"wrap\" tabindex=\"-1\">\n");
}

void html_end(struct buf *out, const struct html_frame *f)
{
	buf_str(out, "</main>\n<footer class=\"wrap\"><p>tencentchat_exporter ");
	html_str(out, f->version);
	buf_str(out, " \xc2\xb7 times are UTC</p></footer>\n</body></html>\n");
}
