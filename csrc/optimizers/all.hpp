// Every optimizer: the only list in C++.
#pragma once

#include "optimizers/adabelief.hpp"
#include "optimizers/adadelta.hpp"
#include "optimizers/adafactor.hpp"
#include "optimizers/adagrad.hpp"
#include "optimizers/adam.hpp"
#include "optimizers/adamax.hpp"
#include "optimizers/adamw.hpp"
#include "optimizers/adan.hpp"
#include "optimizers/ademamix.hpp"
#include "optimizers/asgd.hpp"
#include "optimizers/diagonalnaturalgradient.hpp"
#include "optimizers/ftrl.hpp"
#include "optimizers/kfac.hpp"
#include "optimizers/lamb.hpp"
#include "optimizers/lars.hpp"
#include "optimizers/lion.hpp"
#include "optimizers/muon.hpp"
#include "optimizers/nadam.hpp"
#include "optimizers/novograd.hpp"
#include "optimizers/prodigy.hpp"
#include "optimizers/radam.hpp"
#include "optimizers/rmsprop.hpp"
#include "optimizers/rprop.hpp"
#include "optimizers/schedulefreeadamw.hpp"
#include "optimizers/schedulefreesgd.hpp"
#include "optimizers/sgd.hpp"
#include "optimizers/signum.hpp"
#include "optimizers/yogi.hpp"

namespace gs {

using Optimizers = TypeList<SGD, Momentum, Nesterov, TorchSGD, TorchMomentum, TorchNesterov, Adagrad, TorchAdagrad,
                            Adadelta, TorchAdadelta, RMSprop, RMSpropCentered, RMSpropMomentum, RMSpropCenteredMomentum,
                            TorchRMSprop, TorchRMSpropCentered, TorchRMSpropMomentum, TorchRMSpropCenteredMomentum,
                            Adam, AMSGrad, TorchAdam, TorchAMSGrad, AdamW, AMSGradW, TorchAdamW, TorchAMSGradW, Adamax,
                            TorchAdamax, Nadam, TorchNadam, RAdam, Ftrl, FtrlPower, Lion, Signum, AdaBelief, Yogi, Adan,
                            AdEMAMix, Rprop, ASGD, ScheduleFreeSGD, ScheduleFreeAdamW, Lamb, Lars, NovoGrad, Prodigy>;

/// Those that see an array as matrices (core/matrix.hpp).
using MatrixOptimizers =
    TypeList<Adafactor, AdafactorFreeRate, TorchAdafactor, Muon, MuonHeavyBall, TorchMuon, TorchMuonHeavyBall>;

/// Those that find the curvature of layers (core/matrix.hpp); `Momentum`'s loop moves their weights.
using CurvatureOptimizers = TypeList<KFAC, KFACEmpirical, DiagonalNaturalGradient, DiagonalNaturalGradientEmpirical>;

}  // namespace gs
