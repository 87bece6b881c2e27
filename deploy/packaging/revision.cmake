# TCE_REVISION and TCE_REVISION_EPOCH: the commit this tree is at, and its time. A clone asks git; a release has both in the file
# `revision`, where `git archive` put them.
find_package(Git QUIET)
set(TCE_REVISION unknown)
string(TIMESTAMP TCE_REVISION_EPOCH "%s" UTC)
file(READ ${CMAKE_CURRENT_LIST_DIR}/revision told)
if(Git_FOUND AND EXISTS ${PROJECT_SOURCE_DIR}/.git)
	execute_process(COMMAND ${GIT_EXECUTABLE} log -1 --format=%H\ %ct WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
		OUTPUT_VARIABLE told ERROR_QUIET)
endif()
if(told MATCHES "^([0-9a-f]+) ([0-9]+)\n")
	set(TCE_REVISION_EPOCH ${CMAKE_MATCH_2})
	string(SUBSTRING ${CMAKE_MATCH_1} 0 12 TCE_REVISION)
endif()
