# CPack reads this first: its archives take their times from here.
set(ENV{SOURCE_DATE_EPOCH} ${CPACK_TCE_EPOCH})
