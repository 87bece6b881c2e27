# bash completion of tencentchat_exporter; made by deploy/manual, not by hand.
_tencentchat_exporter() {
	local cur=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD - 1]}

	COMPREPLY=()
	# --flag=value comes as three words.
	if [ "$cur" = = ]; then
		cur=
	elif [ "$flag" = = ] && [ "$COMP_CWORD" -ge 2 ]; then
		flag=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	case $flag in
	--config.file)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--config.auto-reload-interval)
		return
		;;
	--output.file)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--output.format)
		mapfile -t COMPREPLY < <(compgen -W 'text openmetrics json' -- "$cur")
		return
		;;
	--web.listen-address)
		return
		;;
	--web.telemetry-path)
		return
		;;
	--web.max-requests)
		return
		;;
	--web.config.file)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--shard)
		return
		;;
	--total-shards)
		return
		;;
	--log.level)
		mapfile -t COMPREPLY < <(compgen -W 'debug info warn error' -- "$cur")
		return
		;;
	--log.format)
		mapfile -t COMPREPLY < <(compgen -W 'logfmt json' -- "$cur")
		return
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W '
		--config.file=
		--config.auto-reload-interval=
		--config.check
		--config.list-options
		--metrics.list
		--once
		--output.file=
		--output.format=
		--web.listen-address=
		--web.telemetry-path=
		--web.max-requests=
		--web.config.file=
		--web.enable-lifecycle
		--no-web.enable-lifecycle
		--web.systemd-socket
		--sandbox
		--no-sandbox
		--shard=
		--total-shards=
		--log.level=
		--log.format=
		--version
		--help' -- "$cur")
	case ${COMPREPLY[*]-} in *=) compopt -o nospace ;; esac
}
complete -F _tencentchat_exporter tencentchat_exporter
