// The instruction sets kernels are compiled for, as tags: each kernel file is built once with each.
#pragma once

namespace gs {

struct V2;    // x86-64-v2: SSE4.2
struct V3;    // x86-64-v3: AVX2, FMA
struct V4;    // x86-64-v4: AVX-512
struct Base;  // everything else: what the compiler targets by default

}  // namespace gs
