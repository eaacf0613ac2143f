# find_package(percepnet) gives the target percepnet::percepnet, beside this file wherever it stands.
if(NOT TARGET percepnet::percepnet)
  get_filename_component(_percepnet_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
  find_library(PERCEPNET_LIBRARY percepnet PATHS "${_percepnet_prefix}/lib" REQUIRED
    NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
  add_library(percepnet::percepnet UNKNOWN IMPORTED)
  set_target_properties(percepnet::percepnet PROPERTIES
    IMPORTED_LOCATION "${PERCEPNET_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${_percepnet_prefix}/include")
  unset(_percepnet_prefix)
endif()
