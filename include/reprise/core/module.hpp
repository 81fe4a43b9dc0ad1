#pragma once
// A module is a plain struct of its matrices, which lists them once:
//
//   struct Affine {
//     MatrixXf W; VectorXf b;
//     static constexpr auto fields() { return std::tuple{field("W", &Affine::W), field("b", &Affine::b)}; }
//   };
//
// Everything else walks that list: initialise, optimise, clip, save, flatten, check. The gradient of a module is the
// same struct, and so are Adam's moments. A field is a matrix or again a module; names join with a dot: `cell.W_hh`. What is
// saved and copied with the others but never trained, such as the reservoir of an echo state network, is a `constant`.

#include <reprise/core/errors.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace reprise {

/// `access` is a pointer to member, or any callable that gives the field of a module.
template <class Access, bool Trained = true>
struct Field {
  std::string_view name;
  Access access;
  static constexpr bool trained = Trained;
};

template <class Access>
constexpr Field<Access> field(std::string_view name, Access access) {
  return {name, access};
}

/// A field that optimisers leave alone and whose gradient stays zero.
template <class Access>
constexpr Field<Access, false> constant(std::string_view name, Access access) {
  return {name, access};
}

template <class M>
concept Module = requires {
  std::tuple_size<decltype(std::remove_cvref_t<M>::fields())>::value;
};

namespace detail {

// The way from the root to a field, on the stack: a name costs nothing until somebody asks for it.
struct Path {
  const Path* parent;
  std::string_view name;
  std::string string() const { return parent ? parent->string() + "." + std::string(name) : std::string(name); }
};

enum class Which { all, trained };

template <Which which, class Visit, class First, class... Rest>
void visit_field(Visit& visit, const Path& path, First& first, Rest&... rest);

template <std::size_t I, class M>
auto& field_of(M& module) {
  return std::invoke(std::get<I>(std::remove_cvref_t<M>::fields()).access, module);
}

template <std::size_t I, Which which, class Visit, class First, class... Rest>
void visit_field_number(Visit& visit, const Path* parent, First& first, Rest&... rest) {
  constexpr auto this_field = std::get<I>(std::remove_cvref_t<First>::fields());
  if constexpr (which == Which::all || this_field.trained) {
    const Path path{parent, this_field.name};
    visit_field<which>(visit, path, field_of<I>(first), field_of<I>(rest)...);
  }
}

template <Which which, class Visit, class First, class... Rest>
void visit_fields(Visit& visit, const Path* parent, First& first, Rest&... rest) {
  constexpr auto count = std::tuple_size_v<decltype(std::remove_cvref_t<First>::fields())>;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (visit_field_number<I, which>(visit, parent, first, rest...), ...);
  }
  (std::make_index_sequence<count>{});
}

template <Which which, class Visit, class First, class... Rest>
void visit_field(Visit& visit, const Path& path, First& first, Rest&... rest) {
  if constexpr (Module<First>)
    visit_fields<which>(visit, &path, first, rest...);
  else if constexpr (std::is_invocable_v<Visit&, std::string, First&, Rest&...>)
    visit(path.string(), first, rest...);
  else if constexpr (std::is_invocable_v<Visit&, Path, First&, Rest&...>)
    visit(Path(path), first, rest...);
  else
    visit(first, rest...);
}

// References to all parameters of a module, however deep they are, in one tuple.
template <class M>
auto parameters([[maybe_unused]] M& module) {
  constexpr auto count = std::tuple_size_v<decltype(M::fields())>;
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::tuple_cat([](auto& field) {
      if constexpr (Module<decltype(field)>)
        return parameters(field);
      else
        return std::tie(field);
    }(field_of<I>(module))...);
  }
  (std::make_index_sequence<count>{});
}

}  // namespace detail

/// Calls `visit(name, p, q...)`, or `visit(p, q...)` if that is what it takes, for every parameter p of `module` and the
/// parameters q of the same name in `others`: modules of the same fields, such as gradient and moments.
template <class Visit, Module M, Module... Others>
void for_each_parameter(Visit&& visit, M&& module, Others&&... others) {
  detail::visit_fields<detail::Which::all>(visit, static_cast<const detail::Path*>(nullptr), module, others...);
}

/// The same for what is trained: all but the constants.
template <class Visit, Module M, Module... Others>
void for_each_trained(Visit&& visit, M&& module, Others&&... others) {
  detail::visit_fields<detail::Which::trained>(visit, static_cast<const detail::Path*>(nullptr), module, others...);
}

namespace detail {

// `count` entries of a parameter from number `first` on, column by column, as an array that views them.
template <class P>
auto entries(P& p, Index first, Index count) {
  using Scalar = typename P::Scalar;
  static_assert(std::is_base_of_v<Eigen::PlainObjectBase<std::remove_const_t<P>>, P>, "a parameter is a matrix");
  using Entries = Eigen::Array<Scalar, Dynamic, 1>;
  return Eigen::Map<std::conditional_t<std::is_const_v<P>, const Entries, Entries>>(p.data() + first, count);
}

}  // namespace detail

/// Calls `f(p, q...)` for all that is trained, as for_each_trained does, whatever the shapes: with arrays that view their
/// entries, a run at a time, so that what one expression of `f` has read and written the next finds in cache.
template <class F, Module M, Module... Others>
void for_each_run(const F& f, M&& module, Others&&... others) {
  constexpr Index run = 1024;
  for_each_trained(
      [&](auto& p, auto&... q) {
        eigen_assert(((q.size() == p.size()) && ...));
        for (Index first = 0; first < p.size(); first += run) {
          const Index count = std::min(run, p.size() - first);
          f(detail::entries(p, first, count), detail::entries(q, first, count)...);
        }
      },
      module, others...);
}

/// Throws shape_error, naming the parameter, unless `other` has the shapes of `module`. `what` names `other`.
template <Module M, Module Other>
void require_like(const M& module, const Other& other, std::string_view what) {
  for_each_parameter(
      [&](const detail::Path& name, const auto& p, const auto& q) {
        if (p.rows() != q.rows() || p.cols() != q.cols())
          detail::fail<shape_error>(what, ": ", name.string(), " is ", q.rows(), " x ", q.cols(), ", the model's is ",
                                    p.rows(), " x ", p.cols());
      },
      module, other);
}

/// Throws non_finite_error, naming the parameter, unless all entries are finite. `what` goes before the name.
template <Module M>
void require_finite(const M& module, std::string_view what) {
  for_each_parameter(
      [&](const detail::Path& name, const auto& p) {
        using std::isfinite;
        // Zero times an entry is zero, or else nan: a sum is faster than a test of each.
        if (!isfinite((detail::entries(p, 0, p.size()) * typename M::Scalar(0)).sum()))
          detail::fail<non_finite_error>(what, name.string(), " is not finite");
      },
      module);
}

template <Module M>
void set_zero(M& module) {
  for_each_parameter([](auto& p) { p.setZero(); }, module);
}

/// A module of the same shapes, every parameter zero: a gradient to add to.
template <Module M>
M zeros_like(const M& module) {
  M zeros = module;
  set_zero(zeros);
  return zeros;
}

template <Module M>
Index count_parameters(const M& module) {
  Index count = 0;
  for_each_parameter([&](const auto& p) { count += p.size(); }, module);
  return count;
}

/// All parameters in one vector, in the order of `fields`, each matrix column by column.
template <Module M>
auto flatten(const M& module) {
  Vector<typename M::Scalar> flat(count_parameters(module));
  Index at = 0;
  for_each_parameter(
      [&](const auto& p) {
        flat.segment(at, p.size()) = p.reshaped();
        at += p.size();
      },
      module);
  return flat;
}

/// Undoes flatten. Throws shape_error, `module` unchanged, unless `flat` has exactly the module's parameters.
template <class Flat, Module M>
void unflatten(const Eigen::MatrixBase<Flat>& flat, M& module) {
  detail::require_size(flat.size(), count_parameters(module), "the flat vector", "entries", "the module");
  Index at = 0;
  for_each_parameter(
      [&](auto& p) {
        p.reshaped() = flat.reshaped().segment(at, p.size()).template cast<typename M::Scalar>();
        at += p.size();
      },
      module);
}

/// target += source, parameter by parameter.
template <Module M>
void add(M& target, const M& source) {
  for_each_run([](auto p, auto q) { p += q; }, target, source);
}

/// Copies every parameter, converting the scalar; dynamic sizes are taken over.
template <Module From, Module To>
void copy_parameters(const From& from, To& to) {
  for_each_parameter(
      [](const auto& p, auto& q) { q = p.template cast<typename std::remove_cvref_t<decltype(q)>::Scalar>(); }, from,
      to);
}

}  // namespace reprise
