# CPack runs this once for each generator, between installing and packing: the tree of `cmake --install` becomes that of a package.
set(root ${CPACK_TEMPORARY_INSTALL_DIRECTORY})
set(usr ${root}/usr)
set(doc ${usr}/share/doc/${CPACK_PACKAGE_NAME})
set(etc ${root}/etc/tencentchat_exporter)
set(here ${CPACK_TCE_SOURCE}/deploy/packaging)

function(run)
	execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# The configuration is the sample. Who may read it is set by the package managers, which know the group.
file(MAKE_DIRECTORY ${etc})
file(COPY ${CPACK_TCE_SOURCE}/config/tencentchat_exporter.cfg DESTINATION ${etc})

file(RENAME ${usr}/share/doc/tencentchat_exporter ${doc})
run(gzip -9nf ${usr}/share/man/man5/tencentchat_exporter.cfg.5 ${usr}/share/man/man8/tencentchat_exporter.8)

if(CPACK_GENERATOR STREQUAL DEB)
	file(COPY ${here}/debian/copyright DESTINATION ${doc})
	file(REMOVE ${doc}/LICENSE)
	string(TIMESTAMP day "%a, %d %b %Y %H:%M:%S +0000" UTC)
	file(WRITE ${doc}/changelog.Debian
		"${CPACK_PACKAGE_NAME} (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium\n\n"
		"  * See changelog.gz.\n\n -- ${CPACK_PACKAGE_CONTACT}  ${day}\n")
	file(RENAME ${doc}/CHANGELOG.md ${doc}/changelog)
	run(gzip -9nf ${doc}/changelog ${doc}/changelog.Debian)
	# Debian's zsh looks here, and not into site-functions.
	file(RENAME ${usr}/share/zsh/site-functions ${usr}/share/zsh/vendor-completions)
	file(MAKE_DIRECTORY ${usr}/share/lintian/overrides)
	file(COPY_FILE ${here}/debian/overrides ${usr}/share/lintian/overrides/${CPACK_PACKAGE_NAME})
endif()

run(python3 -B ${here}/sbom.py ${usr}/sbin/tencentchat_exporter --name=${CPACK_PACKAGE_NAME}
	--version=${CPACK_PACKAGE_VERSION} --output=${doc}/${CPACK_PACKAGE_NAME}.spdx.json)
# Nothing of who makes the package, and when.
run(chmod -R u=rwX,go=rX ${root})
run(find ${root} -exec touch -h -d @${CPACK_TCE_EPOCH} {} +)
