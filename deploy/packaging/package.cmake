# The deb and the rpm, by CPack: names, texts, what their package managers run. What is packed is what `cmake --install` installs
# below /usr; stage.cmake makes of it what a distribution wants.
set(TCE_PACKAGE_CONTACT "The authors of tencentchat_exporter <tencentchat-exporter@example.org>" CACHE STRING
	"Who answers for the packages")

# Nothing in a package is younger than its sources, so that it is the same whenever it is made.
set(TCE_EPOCH $ENV{SOURCE_DATE_EPOCH})
if(NOT TCE_EPOCH)
	set(TCE_EPOCH ${TCE_REVISION_EPOCH})
endif()

set(CPACK_GENERATOR "DEB;RPM")
set(CPACK_PACKAGE_NAME tencentchat-exporter)
set(CPACK_PACKAGE_VENDOR tencentchat_exporter)
set(CPACK_PACKAGE_CONTACT ${TCE_PACKAGE_CONTACT})
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Prometheus exporter for Tencent Cloud Chat communities")
set(CPACK_PACKAGE_DESCRIPTION
"Polls the topics of communities on Tencent Cloud Chat inside a budget of calls
and serves them as Prometheus metrics: topics that went quiet, are muted or
return errors, message counts, error codes of the API and use of its quota.")
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_STRIP_FILES ON)
# The units and the configuration name absolute paths: the prefix is known when files are installed, not moved afterwards.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
	OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/stage.cmake)
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_LIST_DIR}/clock.cmake)
set(CPACK_TCE_SOURCE ${PROJECT_SOURCE_DIR})
set(CPACK_TCE_EPOCH ${TCE_EPOCH})

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "ca-certificates, systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS prometheus)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "")
foreach(script conffiles postinst prerm postrm)
	list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_LIST_DIR}/debian/${script})
endforeach()

set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_RELEASE 1)
set(CPACK_RPM_PACKAGE_LICENSE Apache-2.0)
set(CPACK_RPM_PACKAGE_DESCRIPTION ${CPACK_PACKAGE_DESCRIPTION})
set(CPACK_RPM_PACKAGE_GROUP "Applications/Internet")
set(CPACK_RPM_PACKAGE_REQUIRES "ca-certificates")
set(CPACK_RPM_PACKAGE_REQUIRES_PRE "shadow-utils")
set(CPACK_RPM_CHANGELOG_FILE ${PROJECT_BINARY_DIR}/rpm-changelog)
set(CPACK_RPM_USER_FILELIST
	"%dir %attr(0750,root,tencentchat) /etc/tencentchat_exporter"
	"%config(noreplace) %attr(0640,root,tencentchat) /etc/tencentchat_exporter/tencentchat_exporter.cfg"
	"%doc /usr/share/doc/tencentchat-exporter")
set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION
	/etc /usr/sbin /usr/lib/systemd /usr/lib/systemd/system /usr/lib/sysusers.d
	/usr/share/man /usr/share/man/man5 /usr/share/man/man8 /usr/share/bash-completion /usr/share/bash-completion/completions
	/usr/share/zsh /usr/share/zsh/site-functions /usr/share/fish /usr/share/fish/vendor_completions.d)
set(CPACK_RPM_SPEC_MORE_DEFINE
"%define use_source_date_epoch_as_buildtime 1
%define clamp_mtime_to_source_date_epoch 1
%define _buildhost tencentchat-exporter
%define packager ${TCE_PACKAGE_CONTACT}
%define _build_id_links none")
set(CPACK_RPM_PRE_INSTALL_SCRIPT_FILE ${CMAKE_CURRENT_LIST_DIR}/rpm/pre)
set(CPACK_RPM_POST_INSTALL_SCRIPT_FILE ${CMAKE_CURRENT_LIST_DIR}/rpm/post)
set(CPACK_RPM_PRE_UNINSTALL_SCRIPT_FILE ${CMAKE_CURRENT_LIST_DIR}/rpm/preun)
set(CPACK_RPM_POST_UNINSTALL_SCRIPT_FILE ${CMAKE_CURRENT_LIST_DIR}/rpm/postun)

# rpm wants dates of its own form; the entry says where to read on.
set(ENV{SOURCE_DATE_EPOCH} ${TCE_EPOCH})
string(TIMESTAMP day "%a %b %d %Y" UTC)
file(WRITE ${PROJECT_BINARY_DIR}/rpm-changelog
	"* ${day} ${TCE_PACKAGE_CONTACT} - ${PROJECT_VERSION}-1\n- See CHANGELOG.md in the documents of this package\n")

# The source is that of a commit, and not of the folder that happens to lie here.
add_custom_target(dist COMMAND ${CMAKE_CURRENT_LIST_DIR}/release.sh ${CPACK_PACKAGE_DIRECTORY} VERBATIM)

include(CPack)
