#pragma once
// The scores of translations: corpus_bleu and corpus_chrf.

#include "bleu.hpp"
#include "chrf.hpp"
