// Every optimizer: the only list in C++.
#pragma once

#include "optimizers/adagrad.hpp"
#include "optimizers/adam.hpp"
#include "optimizers/adamw.hpp"
#include "optimizers/lion.hpp"
#include "optimizers/rmsprop.hpp"
#include "optimizers/sgd.hpp"

namespace gs {

using Optimizers = TypeList<SGD, Momentum, Nesterov, Adagrad, RMSprop, Adam, AdamW, Lion>;

}  // namespace gs
