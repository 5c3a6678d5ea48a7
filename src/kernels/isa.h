#pragma once
// Which implementation of the kernels runs. All of them return the same bits (docs/numerics.md);
// they differ in speed only.

#include <string>
#include <vector>

namespace avocado::kernels {

enum class Isa { scalar, avx2, avx512, neon };

const char* isa_name(Isa isa);

// Instruction sets built into this program that this CPU can run, best first, scalar last.
const std::vector<Isa>& available_isas();

// The one of that name. Throws Error(usage), naming the choices, when there is none or when it
// cannot run here.
Isa parse_isa(const std::string& name);

// The one in use: the best available, or the one named by AVOCADO_ISA ("avx512", or "avx512-amx",
// "avx2-dot", "neon-i8mm", "neon-dot" without that extension and what is built on it). Throws
// Error(usage) when AVOCADO_ISA names one that is unknown or cannot run here.
Isa active_isa();

// Forces one (tests, benchmarks). Not to be called while kernels run.
void set_active_isa(Isa isa);

// Extensions that some kernels use when present. Products of bf16: within avx512, within neon.
bool has_avx512_bf16();
bool has_arm_bf16();
bool use_bf16();  // one of these two is there
// Products of 8-bit integers: within avx512 ...
bool has_avx512_vnni();
// ... within avx2, and within neon: sums of four of them in one instruction.
bool has_avx_vnni();
bool has_arm_dotprod();
bool use_int8_dot();           // one of these two is there, and not switched off
void allow_int8_dot(bool on);  // for tests and benchmarks
// Products of matrices of such integers. Intel's matrix unit, and the operating system lets this
// process use it; within neon, smmla, with which sdot always comes.
bool has_amx_int8();
bool has_arm_i8mm();
bool use_int8_matrix();           // one of these two is there, and not switched off
void allow_int8_matrix(bool on);  // for tests and benchmarks

}  // namespace avocado::kernels
