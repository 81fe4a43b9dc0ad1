#pragma once
// oneDNN's memory objects from our matrices and back, and what changed between its versions 2 and 3.

#include "peer.hpp"

#include <dnnl.hpp>

#include <cstring>
#include <utility>

namespace benchmark {

using Tag = dnnl::memory::format_tag;

inline dnnl::memory::desc tensor(dnnl::memory::dims sizes, Tag tag) {
  return {std::move(sizes), dnnl::memory::data_type::f32, tag};
}

inline dnnl::memory::dims sizes(const dnnl::memory& m) {
#if DNNL_VERSION_MAJOR >= 3
  return m.get_desc().get_dims();
#else
  return m.get_desc().dims();
#endif
}

// Version 3 did away with the operation descriptor and put the engine first.
template <class P, class... Args>
auto describe_forward(const dnnl::engine& engine, const Args&... args) {
#if DNNL_VERSION_MAJOR >= 3
  return typename P::primitive_desc(engine, args...);
#else
  return typename P::primitive_desc(typename P::desc(args...), engine);
#endif
}

template <class P, class Hint, class... Args>
auto describe_backward(const dnnl::engine& engine, const Hint& hint, const Args&... args) {
#if DNNL_VERSION_MAJOR >= 3
  return typename P::primitive_desc(engine, args..., hint);
#else
  return typename P::primitive_desc(typename P::desc(args...), engine, hint);
#endif
}

inline dnnl::memory zeros(const dnnl::memory::desc& desc, const dnnl::engine& engine) {
  dnnl::memory m(desc, engine);
  std::memset(m.get_data_handle(), 0, desc.get_size());
  return m;
}

inline void reorder(dnnl::memory from, dnnl::memory to) {
  dnnl::stream stream(from.get_engine());
  dnnl::reorder(from, to).execute(stream, from, to);
  stream.wait();
}

/// A copy, as `desc` wants it, of values in the format of `tag`.
inline dnnl::memory filled(const dnnl::memory::desc& desc, const dnnl::engine& engine, Tag tag, const Matrix& values) {
  dnnl::memory to = zeros(desc, engine);
  reorder({tensor(sizes(to), tag), engine, const_cast<float*>(values.data())}, to);
  return to;
}

/// And the way back.
inline Matrix plain(const dnnl::memory& from, Tag tag, Index rows, Index cols) {
  Matrix values(rows, cols);
  reorder(from, {tensor(sizes(from), tag), from.get_engine(), values.data()});
  return values;
}

}  // namespace benchmark
