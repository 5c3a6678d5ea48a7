#pragma once
// EXPECT_AVOCADO_ERROR(statement, ErrorKind::input, "part of the message")

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

#define EXPECT_AVOCADO_ERROR(statement, wanted_kind, wanted_text)               \
  do {                                                                          \
    try {                                                                       \
      statement;                                                                \
      ADD_FAILURE() << #statement " threw nothing, wanted: " << (wanted_text);  \
    } catch (const avocado::Error& error) {                                     \
      EXPECT_EQ(static_cast<int>(error.kind()), static_cast<int>(wanted_kind)); \
      EXPECT_NE(std::string(error.what()).find(wanted_text), std::string::npos) \
          << "message: " << error.what() << "\nwanted: " << (wanted_text);      \
    }                                                                           \
  } while (false)
