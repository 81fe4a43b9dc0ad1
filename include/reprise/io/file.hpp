#pragma once
// Reading a file with a word for what went wrong, and replacing one at a stroke.

#include <reprise/core/errors.hpp>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <system_error>

namespace reprise::detail {

class FileReader {
 public:
  // The size first: it is an error for a directory, and for a pipe, whose opening might never return.
  explicit FileReader(const std::filesystem::path& path) {
    std::error_code error;
    size_ = std::filesystem::file_size(path, error);
    if (error) fail<format_error>(error.message());
    errno = 0;
    file_.open(path, std::ios::binary);
    if (!file_) fail<format_error>("cannot be opened: ", std::generic_category().message(errno));
  }

  std::uint64_t size() const { return size_; }

  std::string operator()(std::uint64_t count) {
    std::string bytes(static_cast<std::size_t>(count), '\0');
    if (!file_.read(bytes.data(), static_cast<std::streamsize>(count)))
      fail<format_error>("expected ", count, " bytes more, could read ", file_.gcount());
    return bytes;
  }

 private:
  std::uint64_t size_ = 0;
  std::ifstream file_;
};

template <class Use>
auto with_file(const std::filesystem::path& path, Use use) try {
  FileReader file(path);
  return use(file);
} catch (const format_error& error) {
  fail<format_error>(path.string(), ": ", error.what());
}

/// The file is the old one or the new one, whatever is thrown in between.
inline void replace_file(const std::filesystem::path& path, std::string_view bytes) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::file_status old = fs::status(path, error);
  if (fs::exists(old) && !fs::is_regular_file(old)) fail<format_error>(path.string(), ": not a regular file");
  // Beside the file that a link leads to: the link stays.
  const fs::path target = fs::exists(old) ? fs::canonical(path, error) : path;

  struct Temporary {
    fs::path path;
    ~Temporary() {
      std::error_code ignored;
      fs::remove(path, ignored);  // once renamed, it is not there
    }
  } temporary{target};
  std::random_device random;
  temporary.path += std::to_string(random()).insert(0, ".").append(std::to_string(random())).append(".tmp");

  errno = 0;
  std::ofstream file(temporary.path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) fail<format_error>(path.string(), ": cannot be written: ", std::generic_category().message(errno));
  if (fs::exists(old)) fs::permissions(temporary.path, old.permissions(), error);
  fs::rename(temporary.path, target, error);
  if (error) fail<format_error>(path.string(), ": cannot be replaced: ", error.message());
}

}  // namespace reprise::detail
