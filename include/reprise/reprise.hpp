#pragma once
// Everything: recurrent cells, layers, losses, training, decoding, files, and the checks for a cell of your own. Each header
// also stands alone.

#include <reprise/cells/gru.hpp>
#include <reprise/cells/lstm.hpp>
#include <reprise/cells/rnn.hpp>
#include <reprise/check/check_cell.hpp>
#include <reprise/check/check_gradient.hpp>
#include <reprise/decode/sampling.hpp>
#include <reprise/io/safetensors.hpp>
#include <reprise/layers/dense.hpp>
#include <reprise/layers/dropout.hpp>
#include <reprise/layers/embedding.hpp>
#include <reprise/layers/recurrent.hpp>
#include <reprise/layers/stack.hpp>
#include <reprise/losses/cross_entropy.hpp>
#include <reprise/losses/squared_error.hpp>
#include <reprise/parallel/loss_and_gradient.hpp>
#include <reprise/train/clip.hpp>
#include <reprise/train/loss_and_gradient.hpp>
#include <reprise/train/optimiser.hpp>
#include <reprise/train/prepared.hpp>
#include <reprise/train/schedule.hpp>
