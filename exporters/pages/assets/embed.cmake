# Makes the C source that holds the assets: cmake -DGZIP=gzip -DOUT=FILE -DASSETS=name;name -P embed.cmake
# No node, no network: cmake writes the bytes, gzip packs them without name and time, so that the result is always the same.
set(types_css "text/css; charset=utf-8")
set(types_js "text/javascript; charset=utf-8")
set(types_svg "image/svg+xml")
set(arrays "")
set(rows "")
set(sums "")

# bytes(FILE RET): "0x1f,0x8b,..."
function(bytes FILE RET)
	file(READ ${FILE} hex HEX)
	string(REGEX REPLACE "(..)" "0x\\1," hex "${hex}")
	string(REGEX REPLACE "(................................................................................)" "\\1\n" hex "${hex}")
	set(${RET} "${hex}" PARENT_SCOPE)
endfunction()

foreach(name ${ASSETS})
	set(file ${CMAKE_CURRENT_LIST_DIR}/${name})
	string(REGEX REPLACE ".*\\." "" kind ${name})
	string(MAKE_C_IDENTIFIER ${name} id)
	execute_process(COMMAND ${GZIP} -9 -n -c ${file} OUTPUT_FILE ${OUT}.gz RESULT_VARIABLE status)
	if(NOT status EQUAL 0)
		message(FATAL_ERROR "gzip of ${name} failed")
	endif()
	file(SHA256 ${file} sum)
	string(SUBSTRING ${sum} 0 16 sum)
	string(APPEND sums ${sum})
	bytes(${file} plain)
	bytes(${OUT}.gz packed)
	string(APPEND arrays "static const unsigned char ${id}[] = {\n${plain}\n};\n"
		"static const unsigned char ${id}_gzip[] = {\n${packed}\n};\n")
	string(APPEND rows "	{ \"/assets/${name}\", \"${types_${kind}}\", \"\\\"${sum}\\\"\", \"\\\"${sum}-gzip\\\"\", ${id}, ${id}_gzip, "
		"sizeof(${id}), sizeof(${id}_gzip) },\n")
endforeach()
string(SHA256 build "${sums}")
string(SUBSTRING ${build} 0 16 build)
file(REMOVE ${OUT}.gz)
file(WRITE ${OUT} "/* Made by exporters/pages/assets/embed.cmake. */\n#include \"exporters/pages/assets.h\"\n\n${arrays}\n"
	"const struct asset asset_table[] = {\n${rows}};\n"
	"const size_t asset_n = sizeof(asset_table) / sizeof(asset_table[0]);\n"
	"const char asset_build[] = \"${build}\";\n")
