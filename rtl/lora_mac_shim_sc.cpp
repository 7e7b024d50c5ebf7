// lora_mac_shim_sc.cpp -- the LoRA MAC unit verilated as a SystemC module, behind the same C interface as lora_mac_shim.cpp: signals at its ports, and an
// sc_clock. As thin as can be.
//
// A cycle of clock() is one of the sc_clock: inputs are written at its beginning, the rising edge comes in its middle. Each unit is a simulation of its own.
#include "rtl/lora_mac_shim.h"

#include <cstdlib>
#include <memory>

#include <systemc>

#include "Vlora_mac.h"
#include "verilated.h"

namespace
{

constexpr uint32_t words_of(const bool &)
{
    return 1;
}
constexpr uint32_t words_of(const uint32_t &)
{
    return 1;
}
constexpr uint32_t words_of(const uint64_t &)
{
    return 2;
}
template <int N> constexpr uint32_t words_of(const sc_dt::sc_bv<N> &)
{
    return (N + 31) / 32;
}

template <typename T> const uint32_t *load(sc_core::sc_signal<T> &signal, const uint32_t *record) // up to 32 bits
{
    signal.write(static_cast<T>(*record));
    return record + 1;
}
template <typename T> uint32_t *store(const sc_core::sc_signal<T> &signal, uint32_t *record)
{
    *record = static_cast<uint32_t>(signal.read());
    return record + 1;
}
const uint32_t *load(sc_core::sc_signal<uint64_t> &signal, const uint32_t *record)
{
    signal.write(record[0] | static_cast<uint64_t>(record[1]) << 32);
    return record + 2;
}
uint32_t *store(const sc_core::sc_signal<uint64_t> &signal, uint32_t *record)
{
    record[0] = static_cast<uint32_t>(signal.read());
    record[1] = static_cast<uint32_t>(signal.read() >> 32);
    return record + 2;
}
template <int N> const uint32_t *load(sc_core::sc_signal<sc_dt::sc_bv<N>> &signal, const uint32_t *record)
{
    sc_dt::sc_bv<N> bits;
    for (uint32_t i = 0; i < words_of(bits); i++) {
        bits.set_word(static_cast<int>(i), record[i]);
    }
    signal.write(bits);
    return record + words_of(bits);
}
template <int N> uint32_t *store(const sc_core::sc_signal<sc_dt::sc_bv<N>> &signal, uint32_t *record)
{
    for (uint32_t i = 0; i < words_of(signal.read()); i++) {
        record[i] = signal.read().get_word(static_cast<int>(i));
    }
    return record + words_of(signal.read());
}

// The type that a port carries: Verilator makes ports references to sc_in and sc_out.
template <typename Port> using carried = typename std::remove_reference_t<Port>::data_type;

} // namespace

struct lora_shim_unit {
    std::unique_ptr<Vlora_mac> top;
    std::unique_ptr<sc_core::sc_clock> clock;
#define INPUT(name, bits) sc_core::sc_signal<carried<decltype(Vlora_mac::name##_i)>> name{#name};
#define OUTPUT(name, bits) sc_core::sc_signal<carried<decltype(Vlora_mac::name##_o)>> name{#name};
#include "sim/lora_ports.def"
#undef INPUT
#undef OUTPUT

    lora_shim_unit()
        : top(new Vlora_mac{"lora_mac"}),
          clock(new sc_core::sc_clock("clock", sc_core::sc_time(1, sc_core::SC_NS), 0.5, sc_core::sc_time(500, sc_core::SC_PS), true))
    {
        top->clk_i(*clock);
#define INPUT(name, bits) top->name##_i(name);
#define OUTPUT(name, bits) top->name##_o(name);
#include "sim/lora_ports.def"
#undef INPUT
#undef OUTPUT
    }
};

static lora_shim_unit *unit_open()
{
    setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 0);
    Verilated::randReset(2); // registers begin at random: what reset forgets is seen
    Verilated::randSeed(1);
    Verilated::fatalOnError(false);
    // A context of its own: SystemC allows no new modules in one that has run. It stays, as do its modules.
    sc_core::sc_curr_simcontext = sc_core::sc_default_global_context = new sc_core::sc_simcontext;
    auto *unit = new lora_shim_unit;
    sc_core::sc_start(sc_core::SC_ZERO_TIME);
    return unit;
}

static void unit_close(lora_shim_unit *unit)
{
    unit->top->final();
}

static void unit_outputs(const lora_shim_unit *unit, uint32_t *record)
{
#define INPUT(name, bits)
#define OUTPUT(name, bits) record = store(unit->name, record);
#include "sim/lora_ports.def"
#undef INPUT
#undef OUTPUT
}

static void unit_clock(lora_shim_unit *unit, const uint32_t *record)
{
#define INPUT(name, bits) record = load(unit->name, record);
#define OUTPUT(name, bits)
#include "sim/lora_ports.def"
#undef INPUT
#undef OUTPUT
    sc_core::sc_start(1, sc_core::SC_NS);
}

static int unit_stopped(const lora_shim_unit *)
{
    return Verilated::gotFinish();
}

static int trace_open(lora_shim_unit *, const char *)
{
    return 0; // the plain library has waveforms
}

static void trace_cycle(lora_shim_unit *, uint64_t)
{
}

static void trace_close(lora_shim_unit *)
{
}

extern "C" __attribute__((visibility("default"))) int sc_main(int, char **) // libsystemc wants one
{
    return 0;
}

extern "C" __attribute__((visibility("default"))) const lora_shim *lora_shim_functions(void)
{
    static const struct lora_shim shim = {
#define INPUT(name, bits) +words_of(carried<decltype(Vlora_mac::name##_i)>())
#define OUTPUT(name, bits)
#include "sim/lora_ports.def"
#undef INPUT
#undef OUTPUT
        ,
#define INPUT(name, bits)
#define OUTPUT(name, bits) +words_of(carried<decltype(Vlora_mac::name##_o)>())
#include "sim/lora_ports.def"
#undef INPUT
#undef OUTPUT
        , unit_open, unit_close, unit_outputs, unit_clock, unit_stopped, trace_open, trace_cycle, trace_close,
    };
    return &shim;
}
