#include "composer.hpp"

int compose::run_gru(const Settings& settings) { return run<reprise::GRUCell<float>>(settings); }
