# Man pages and shell completion, made from the commands' parsers at every build. A wheel's data
# folder becomes the environment's: share/man, share/bash-completion, share/zsh.
set(command_docs ${CMAKE_CURRENT_BINARY_DIR}/share)
add_custom_target(command_docs ALL
  COMMAND ${Python_EXECUTABLE} -I -S -B ${CMAKE_CURRENT_SOURCE_DIR}/../scripts/docs/command_docs.py
    ${command_docs}
  COMMENT "Man pages and shell completion" VERBATIM)
install(DIRECTORY ${command_docs}/ DESTINATION ${SKBUILD_DATA_DIR}/share)
