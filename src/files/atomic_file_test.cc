#include "files/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "base/error.h"
#include "expect_error.h"
#include "files/mapped_file.h"
#include "temp_folder.h"

namespace avocado {
namespace {

TEST(AtomicFile, AppearsWholeOnCommitOnly) {
  const test::TempFolder folder;
  const std::string path = folder.file("out");
  write_file_atomically(path, "old");
  {
    AtomicFile file(path);
    file.write("new ");
    EXPECT_EQ(read_text_file(path), "old");
    EXPECT_EQ(folder.entries(), 2);
    file.write("text");
    file.commit();
  }
  EXPECT_EQ(read_text_file(path), "new text");
  EXPECT_EQ(folder.entries(), 1);
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  const test::TempFolder folder;
  const std::string path = folder.file("out");
  write_file_atomically(path, "old");
  { AtomicFile(path).write("half of something"); }
  EXPECT_EQ(read_text_file(path), "old");
  EXPECT_EQ(folder.entries(), 1);
}

// The kernel refuses to grow files beyond a limit, as it does when the disk is full.
TEST(AtomicFile, FullDiskIsAResourceErrorAndHarmsNothing) {
  const test::TempFolder folder;
  const std::string path = folder.file("out");
  write_file_atomically(path, "old");

  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 1000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_AVOCADO_ERROR(write_file_atomically(path, std::string(5000, 'x')), ErrorKind::resource,
                       path);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);

  EXPECT_EQ(read_text_file(path), "old");
  EXPECT_EQ(folder.entries(), 1);
}

TEST(AtomicFile, DeviceIsWrittenDirectly) {
  EXPECT_AVOCADO_ERROR(write_file_atomically("/dev/full", "text"), ErrorKind::resource,
                       "No space left");
  EXPECT_FALSE(std::filesystem::is_regular_file("/dev/full"));
  write_file_atomically("/dev/null", "text");
}

TEST(AtomicFile, PlacesThatCannotBeWrittenAreNamed) {
  const test::TempFolder folder;
  EXPECT_AVOCADO_ERROR(AtomicFile(folder.file("no/such/out")), ErrorKind::resource, "no/such/out");
  EXPECT_AVOCADO_ERROR(AtomicFile(folder.path().string()), ErrorKind::resource, "is a folder");
}

TEST(ReadTextFile, ReadsWholeFilesUpToTheLimit) {
  const test::TempFolder folder;
  const std::string path = folder.file("text");
  const std::string text(100'000, 'a');
  write_file_atomically(path, text);
  EXPECT_EQ(read_text_file(path), text);
  EXPECT_EQ(read_text_file(path, 100'000), text);
  EXPECT_AVOCADO_ERROR(read_text_file(path, 99'999), ErrorKind::input, "larger than 99999");
  EXPECT_AVOCADO_ERROR(read_text_file(folder.file("none")), ErrorKind::input, "none");
  EXPECT_AVOCADO_ERROR(read_text_file(folder.path().string()), ErrorKind::input, "directory");
  // A device that never ends.
  EXPECT_AVOCADO_ERROR(read_text_file("/dev/zero", 1 << 20), ErrorKind::input, "larger");
}

TEST(MappedFile, MapsAndMoves) {
  const test::TempFolder folder;
  write_file_atomically(folder.file("a"), "alpha");
  write_file_atomically(folder.file("b"), "beta");
  MappedFile a(folder.file("a"));
  MappedFile b(folder.file("b"));
  a = std::move(b);
  MappedFile c(std::move(a));
  EXPECT_EQ(c.path(), folder.file("b"));
  EXPECT_EQ(c.bytes().size(), 4u);
  EXPECT_EQ(c.bytes()[0], std::byte{'b'});
}

TEST(MappedFile, WhatCannotBeMappedIsNamed) {
  const test::TempFolder folder;
  write_file_atomically(folder.file("empty"), "");
  EXPECT_AVOCADO_ERROR(MappedFile(folder.file("empty")), ErrorKind::input, "is empty");
  EXPECT_AVOCADO_ERROR(MappedFile(folder.file("none")), ErrorKind::input, "No such file");
  EXPECT_AVOCADO_ERROR(MappedFile(folder.path().string()), ErrorKind::input, "is a folder");
  EXPECT_AVOCADO_ERROR(MappedFile("/dev/null"), ErrorKind::input, "not a regular file");
}

}  // namespace
}  // namespace avocado
