# What the documentation shows compiles as it stands: the README's listings, and docs/adding_a_cell.md, which is followed to
# its proof. docs/recipes.md has a test of its own.
cmake_minimum_required(VERSION 3.21)

# listing(VARIABLE FILE FENCE): the first listing of a page whose fence is followed by FENCE.
function(listing variable file fence)
  file(READ ${ROOT}/${file} text)
  string(FIND "${text}" "```${fence}\n" from)
  string(LENGTH "```${fence}\n" length)
  if(from EQUAL -1)
    message(FATAL_ERROR "${file} has no listing ${fence}")
  endif()
  math(EXPR from "${from} + ${length}")
  string(SUBSTRING "${text}" ${from} -1 rest)
  string(FIND "${rest}" "```" to)
  string(SUBSTRING "${rest}" 0 ${to} code)
  set(${variable} "${code}" PARENT_SCOPE)
endfunction()

set(compile ${CXX} -std=c++20 -O1 -Wall -Wextra -Wconversion -Wshadow -Werror -I ${ROOT}/include -isystem ${EIGEN})

listing(header docs/adding_a_cell.md "cpp")
listing(program docs/adding_a_cell.md "cpp prove")
file(WRITE ${WORK}/ugrnn.hpp "${header}")
file(WRITE ${WORK}/prove.cpp "${program}")
execute_process(COMMAND ${compile} ${WORK}/prove.cpp -o ${WORK}/prove COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${WORK}/prove COMMAND_ERROR_IS_FATAL ANY)

# The listing is statements; its `batches` and `stream` are the reader's. The model file it writes is read back.
listing(wiring README.md "cpp wiring")
listing(statements README.md "cpp")
string(FIND "${statements}" "// h_t" from)
string(SUBSTRING "${statements}" 0 ${from} preamble)
string(SUBSTRING "${statements}" ${from} -1 statements)
listing(faster README.md "cpp faster")
file(WRITE ${WORK}/readme.cpp "${preamble}
const std::vector<std::pair<rp::Sequence<float>, rp::Sequence<float>>> batches{
    {rp::Sequence<float>{Eigen::MatrixXf(Eigen::MatrixXf::Random(3, 9)), Eigen::MatrixXf(Eigen::MatrixXf::Random(3, 4))},
     rp::Sequence<float>{Eigen::MatrixXf(Eigen::MatrixXf::Random(1, 9)), Eigen::MatrixXf(Eigen::MatrixXf::Random(1, 4))}}};
const std::vector<Eigen::VectorXf> stream(5, Eigen::VectorXf::Random(3));
int main() {
${statements}
${faster}
${wiring}
}
")
execute_process(COMMAND ${compile} -include iostream -Wno-unused-but-set-variable -Wno-unused-variable ${WORK}/readme.cpp -o ${WORK}/readme
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${WORK}/readme WORKING_DIRECTORY ${WORK} COMMAND_ERROR_IS_FATAL ANY)

# The second listing goes on where the first one ends; every link leads somewhere.
file(READ ${ROOT}/README.md text)
string(REGEX MATCH "std::vector<Eigen::MatrixXf> records[^`]*" statements "${text}")
file(WRITE ${WORK}/sequences.cpp "${preamble}
int main() {
${statements}
  return x.batch() == 2 && x[1] == records[1] && sentences.length(1) == 4 ? 0 : 1;
}
")
execute_process(COMMAND ${compile} ${WORK}/sequences.cpp -o ${WORK}/sequences COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${WORK}/sequences COMMAND_ERROR_IS_FATAL ANY)

file(GLOB pages RELATIVE ${ROOT} ${ROOT}/README.md ${ROOT}/docs/*.md)
foreach(page ${pages})
  file(READ ${ROOT}/${page} text)
  get_filename_component(folder ${ROOT}/${page} DIRECTORY)
  string(REGEX MATCHALL "\\([a-zA-Z/_]+\\.md\\)" links "${text}")
  foreach(link ${links})
    string(REGEX REPLACE "[()]" "" target "${link}")
    if(NOT EXISTS "${folder}/${target}")
      message(FATAL_ERROR "${page} links to ${target}, which is not there")
    endif()
  endforeach()
endforeach()

# What chapter10.md and recipes.md point at is there.
file(READ ${ROOT}/docs/recipes.md text)
string(REGEX MATCHALL "`[a-z]+/[a-z_0-9]+\\.hpp`" headers "${text}")
foreach(file ${headers})
  string(REPLACE "`" "" file ${file})
  if(NOT EXISTS ${ROOT}/include/reprise/${file})
    message(FATAL_ERROR "docs/recipes.md names ${file}, which is not there")
  endif()
endforeach()
file(READ ${ROOT}/docs/chapter10.md text)
string(REGEX MATCHALL "`[a-z]+/[a-z_0-9]+\\.[hc]pp`" files "${text}")
list(LENGTH files count)
if(count LESS 60)
  message(FATAL_ERROR "docs/chapter10.md names ${count} files only: has its form changed?")
endif()
foreach(file ${files})
  string(REPLACE "`" "" file ${file})
  if(NOT EXISTS ${ROOT}/include/reprise/${file} AND NOT EXISTS ${ROOT}/tests/${file})
    message(FATAL_ERROR "docs/chapter10.md names ${file}, which is not there")
  endif()
endforeach()
