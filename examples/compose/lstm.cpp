#include "composer.hpp"

int compose::run_lstm(const Settings& settings) { return run<reprise::LSTMCell<float>>(settings); }
