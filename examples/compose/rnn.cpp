#include "composer.hpp"

int compose::run_rnn(const Settings& settings) { return run<reprise::RNNCell<float>>(settings); }
