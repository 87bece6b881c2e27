#compdef tencentchat_exporter
# zsh completion of tencentchat_exporter; made by deploy/manual, not by hand.
_arguments -s -S \
	'--config.file=[configuration; default /etc/tencentchat_exporter/tencentchat_exporter.cfg]:FILE:_files' \
	'--config.auto-reload-interval=[reload when the configuration file, a list or a pattern'\''s result changed, looking this often; default 0s\: never]:DURATION: ' \
	'--config.check[check the configuration, print what is in force (secrets masked) and what it costs, exit 0 or 2]' \
	'--config.list-options[print every configuration option as Markdown]' \
	'--metrics.list[print every metric as Markdown]' \
	'--once[poll everything once, print the metrics and end; exit 1 if a community failed]' \
	'--output.file=[where --once writes, in one step; default\: standard output]:FILE:_files' \
	'--output.format=[what --once writes; default text]:word:(text openmetrics json)' \
	'*--web.listen-address=[serve on host\:port, \[v6\]\:port or \:port; repeatable; overrides web.listen]:ADDRESS: ' \
	'--web.telemetry-path=[path of the metrics; overrides web.telemetry_path]:PATH: ' \
	'--web.max-requests=[scrapes at the same time, 503 for later ones, 0\: no limit; overrides web.max_requests]:N: ' \
	'--web.config.file=[TLS and basic auth of the listener; overrides web.config_file]:FILE:_files' \
	'--web.enable-lifecycle[allow POST /-/reload; overrides web.enable_lifecycle]' \
	'--no-web.enable-lifecycle[do not allow POST /-/reload; overrides web.enable_lifecycle]' \
	'--web.systemd-socket[listen on the sockets that systemd hands over]' \
	'--sandbox[give up, after the start, the files and system calls it does not need; the default]' \
	'--no-sandbox[do not give up, after the start, the files and system calls it does not need; the default]' \
	'--shard=[poll only this share of the communities, counted from 0; or the name of a pod, which ends in -N; needs --total-shards]:N: ' \
	'--total-shards=[how many processes share the communities and the budgets, 1 to 1024]:N: ' \
	'--log.level=[least severe level that is logged; overrides log.level]:word:(debug info warn error)' \
	'--log.format=[shape of a log line; overrides log.format]:word:(logfmt json)' \
	'--version[print the versions of the program and its libraries]' \
	'--help[print this]'
