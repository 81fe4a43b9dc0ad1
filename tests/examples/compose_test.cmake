# compose from the outside: it trains, keeps its model, composes from it again, stops at Ctrl-C, and says what is wrong.
cmake_minimum_required(VERSION 3.21)
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})

# compose(EXPECTED_CODES EXPECTED_TEXT ARGUMENT...)
function(compose codes text)
  execute_process(COMMAND ${COMPOSE} ${ARGN} WORKING_DIRECTORY ${WORK} RESULT_VARIABLE code OUTPUT_VARIABLE out
    ERROR_VARIABLE err)
  if(NOT code IN_LIST codes OR NOT "${out}${err}" MATCHES "${text}")
    message(FATAL_ERROR "compose ${ARGN}\nended with ${code}, not ${codes}, or did not say '${text}':\n${out}${err}")
  endif()
endfunction()

function(require_file name)
  if(NOT EXISTS ${WORK}/${name})
    message(FATAL_ERROR "${name} was not written")
  endif()
endfunction()

# A network this small may write nothing that parses: exit code 1. What counts here is the way.
set(small --hidden 16 --layers 1 --count 1 --epochs 1)
set(composed 0 1)
compose("${composed}" "look and listen" ${small} --cell gru --out a)
require_file(a/index.html)
require_file(a/model.safetensors)
compose("${composed}" "read a/model.safetensors" --count 1 --model a/model.safetensors --out b)
require_file(b/index.html)
compose("${composed}" "look and listen" ${small} --cell rnn --out c --model kept.safetensors)
require_file(kept.safetensors)

# What is asked for wrongly costs nothing that was there.
compose("2" "cannot read nowhere.abc" --corpus nowhere.abc --out a)
compose("2" "rnn, lstm or gru" --cell fancy --out a)
require_file(a/model.safetensors)
# A loss that is not finite ends the training, not the program.
compose("${composed}" "stopped, for the .*kept in e/model.safetensors" ${small} --epochs 3 --learning-rate 1e30 --out e)
compose("2" "cannot read nowhere.abc" --corpus nowhere.abc)
compose("2" "--hidden many: takes a whole number of at least 1" --hidden many)
compose("2" "--bars is no option" --bars 3)
compose("2" "--out needs a value" --out)
file(WRITE ${WORK}/few.abc "X:1\nT:One\nM:C\nK:C\nCDEF GABc|\n")
compose("2" "found 1 tunes, 20 are needed" --corpus few.abc)
file(WRITE ${WORK}/broken.safetensors "no model")
compose("2" "broken.safetensors" --model broken.safetensors)

# Ctrl-C after three seconds of a training that would take an hour.
find_program(TIMEOUT timeout)
if(TIMEOUT)
  set(composer ${COMPOSE})
  set(COMPOSE ${TIMEOUT} --preserve-status -s INT 3 ${composer})
  compose("${composed}" "stopped; .*kept in d/model.safetensors" --hidden 16 --layers 1 --count 1 --minutes 60 --out d)
  require_file(d/model.safetensors)
endif()
