// What each file of this folder adds to gradstep._core.
#pragma once

#include <pybind11/pybind11.h>

namespace gs {

void bind_build_info(pybind11::module_& m);         // versions, instruction sets, threads
void bind_optimizers(pybind11::module_& m);         // one optimizer over many arrays
void bind_bound(pybind11::module_& m);              // the fast path of a step
void bind_wrappers(pybind11::module_& m);           // what is around optimizers
void bind_layers(pybind11::module_& m);             // activations and losses on arrays
void bind_guard(pybind11::module_& m);              // locks of weights
void bind_network(pybind11::module_& m);            // networks and what runs them
void bind_passes(pybind11::module_& m);             // passes of many networks side by side
void bind_weight_attributes(pybind11::module_& m);  // penalties and constraints of weights
void bind_product(pybind11::module_& m);            // the matrix product
void bind_bfloat16_sums(pybind11::module_& m);      // sums of gradients in half as many bits
void bind_minimize(pybind11::module_& m);           // methods of minimize
void bind_minimize_runs(pybind11::module_& m);      // and their runs
void bind_minimize_cma(pybind11::module_& m);       // CMA-ES
void bind_machine_code(pybind11::module_& m);       // functions in machine code, many small problems
void bind_cholesky(pybind11::module_& m);           // the Cholesky factor
void bind_linear(pybind11::module_& m);             // stochastic descent of linear models
void bind_linear_objective(pybind11::module_& m);   // linear models over all rows at once
void bind_coordinates(pybind11::module_& m);        // coordinate descent
void bind_cuda(pybind11::module_& m);               // arrays on a GPU, in a build that has them
void bind_device_models(pybind11::module_& m);      // models there
void bind_c_api(pybind11::module_& m);              // C functions for gradstep.cython

}  // namespace gs
