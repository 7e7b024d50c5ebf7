// lora_mac_shim.cpp -- the verilated LoRA MAC unit behind a C interface: ports from and to flat records, a clock, an FST file. As thin as can be.
//
// A port's words in a record are those of Verilator's type for it, whatever the parameters make of its width. So is the order: sim/lora_ports.def.
#include "rtl/lora_mac_shim.h"

#include <cstring>
#include <memory>
#if VM_COVERAGE
#include <cstdlib>
#include <string>
#include <unistd.h>
#endif

#include "Vlora_mac.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_fst_c.h"
#endif

namespace {

template <typename T> constexpr uint32_t words_of(const T &)
{
    return sizeof(T) <= sizeof(uint32_t) ? 1 : sizeof(T) / sizeof(uint32_t);
}

template <typename T> const uint32_t *load(T &port, const uint32_t *record) // up to 32 bits
{
    port = static_cast<T>(*record);
    return record + 1;
}
template <typename T> uint32_t *store(const T &port, uint32_t *record)
{
    *record = port;
    return record + 1;
}
const uint32_t *load(QData &port, const uint32_t *record)
{
    port = record[0] | static_cast<QData>(record[1]) << 32;
    return record + 2;
}
uint32_t *store(const QData &port, uint32_t *record)
{
    record[0] = static_cast<uint32_t>(port);
    record[1] = static_cast<uint32_t>(port >> 32);
    return record + 2;
}
template <std::size_t N> const uint32_t *load(VlWide<N> &port, const uint32_t *record)
{
    std::memcpy(port.data(), record, N * sizeof *record);
    return record + N;
}
template <std::size_t N> uint32_t *store(const VlWide<N> &port, uint32_t *record)
{
    std::memcpy(record, port.data(), N * sizeof *record);
    return record + N;
}

} // namespace

struct lora_shim_unit {
    VerilatedContext context;
    std::unique_ptr<Vlora_mac> top;
    uint64_t cycle = 0; // of the FST file

#if VM_TRACE
    std::unique_ptr<VerilatedFstC> fst;
    bool tracing() const
    {
        return fst && fst->isOpen();
    }
    void dump(uint64_t half) // time is in ns, one a cycle, so half a cycle is 500 ps
    {
        fst->dump(cycle * 1000 + half * 500);
    }
#else
    bool tracing() const
    {
        return false;
    }
    void dump(uint64_t)
    {
    }
#endif
    void edge(bool rising)
    {
        top->clk_i = rising;
        top->eval();
    }
};

static lora_shim_unit *unit_open()
{
    auto *unit = new lora_shim_unit;
    unit->context.randReset(2); // registers begin at random: what reset forgets is seen
    unit->context.randSeed(1);
    unit->context.fatalOnError(false);
    unit->context.traceEverOn(VM_TRACE);
    unit->top.reset(new Vlora_mac{&unit->context, ""});
    unit->edge(false);
    return unit;
}

static void trace_close(lora_shim_unit *unit)
{
#if VM_TRACE
    if (unit->tracing()) {
        unit->dump(0); // what the last edge left: a mismatch is found before the cycle's inputs come
        unit->fst->close();
    }
#else
    (void)unit;
#endif
}

static void unit_close(lora_shim_unit *unit)
{
    trace_close(unit);
    unit->top->final();
#if VM_COVERAGE
    if (const char *folder = std::getenv("ETCHSIM_RTL_COVERAGE")) {
        unit->context.coveragep()->write((std::string(folder) + "/" + std::to_string(getpid()) + ".dat").c_str());
    }
#endif
    delete unit;
}

static void unit_outputs(const lora_shim_unit *unit, uint32_t *record)
{
    const Vlora_mac *top = unit->top.get();
#define INPUT(name, bits)
#define OUTPUT(name, bits) record = store(top->name##_o, record);
#include "sim/lora_ports.def"
#undef INPUT
#undef OUTPUT
}

// A cycle begins with the rising edge of the clock: registers have changed already, inputs come now.
static void unit_clock(lora_shim_unit *unit, const uint32_t *record)
{
    Vlora_mac *top = unit->top.get();
#define INPUT(name, bits) record = load(top->name##_i, record);
#define OUTPUT(name, bits)
#include "sim/lora_ports.def"
#undef INPUT
#undef OUTPUT
    if (unit->tracing()) {
        top->eval();
        unit->dump(0);
        unit->edge(false);
        unit->dump(1);
    } else {
        unit->edge(false);
    }
    unit->edge(true);
    unit->cycle++;
}

static int unit_stopped(const lora_shim_unit *unit)
{
    return unit->context.gotFinish();
}

static int trace_open(lora_shim_unit *unit, const char *path)
{
    trace_close(unit);
#if VM_TRACE
    if (!unit->fst) {
        unit->fst.reset(new VerilatedFstC);
        unit->fst->set_time_unit("1ps");
        unit->fst->set_time_resolution("1ps");
        unit->top->trace(unit->fst.get(), 99);
    }
    unit->fst->open(path);
#else
    (void)path;
#endif
    return unit->tracing();
}

static void trace_cycle(lora_shim_unit *unit, uint64_t cycle)
{
    unit->cycle = cycle;
}

extern "C" __attribute__((visibility("default"))) const lora_shim *lora_shim_functions(void)
{
    static const struct lora_shim shim = {
#define INPUT(name, bits) +words_of(std::remove_reference<decltype(Vlora_mac::name##_i)>::type())
#define OUTPUT(name, bits)
#include "sim/lora_ports.def"
#undef INPUT
#undef OUTPUT
        ,
#define INPUT(name, bits)
#define OUTPUT(name, bits) +words_of(std::remove_reference<decltype(Vlora_mac::name##_o)>::type())
#include "sim/lora_ports.def"
#undef INPUT
#undef OUTPUT
        ,
        unit_open, unit_close, unit_outputs, unit_clock, unit_stopped, trace_open, trace_cycle, trace_close,
    };
    return &shim;
}
