// What the files of a layer register about the things that they implement, by name: a static object of the type Registration<Fact> in
// such a file makes its fact known, and nothing else has to name the thing. The layer is linked whole.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <utility>

namespace collie {

template <class Fact>
class Registration {
 public:
  Registration(const std::string& name, Fact fact) {
    if (!known().emplace(name, std::move(fact)).second) throw std::logic_error(name + " is registered twice");
  }

  // Null: nothing of the kind is registered under this name.
  static const Fact* find(const std::string& name) {
    const auto found = known().find(name);
    return found == known().end() ? nullptr : &found->second;
  }

 private:
  // Made on first use: registrations run before main() in any order.
  static std::map<std::string, Fact>& known() {
    static std::map<std::string, Fact> all;
    return all;
  }
};

}  // namespace collie
