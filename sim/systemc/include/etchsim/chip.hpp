// etchsim/chip.hpp -- the chip as a TLM-2.0 component: registers behind a target socket, DMA through an initiator socket, an interrupt line.
//
//   bus ==target==> [ registers ] --> chip --> [ DMA ] ==dma==> bus, memory
//                         '--> interrupt
//
// Loosely timed: the chip runs ahead of SystemC's time by up to a quantum, so that an access finds it at most that much later than it should; with a
// quantum of 0 nothing is ahead, to the cycle. b_transport's delay is used and annotated. Approximately timed: no quantum, and the DMA uses the four
// phases of the base protocol. The target socket takes b_transport and nb_transport in either case. Interrupts rise in their own cycle.
//
// Misuse of the protocol gets the response that TLM-2.0 has for it and never ends the simulation; DMI is refused, debug reads work.
#ifndef ETCHSIM_CHIP_HPP
#define ETCHSIM_CHIP_HPP

#include <memory>
#include <vector>

#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include "etchsim/bus.h"
#include "etchsim/registers.hpp"

namespace etchsim
{

struct ChipOptions {
    struct etchsim_options chip {
    }; // as for etchsim_open()
    bool approximately_timed = false;
    sc_core::sc_time quantum{}; // loosely timed: how far ahead at most; 0: that of tlm_global_quantum
    unsigned access_cycles = 4; // of the chip's clock that an access of the registers takes, for each 32 bits
    unsigned burst_bytes = 256; // of the DMA's transactions at most, a power of two from 4 on
};

class __attribute__((visibility("default"))) Chip : public sc_core::sc_module
{
  public:
    tlm_utils::simple_target_socket<Chip> target; // registers, ETCHSIM_BUS_BYTES from offset 0 on
    tlm_utils::simple_initiator_socket<Chip> dma;
    sc_core::sc_out<bool> interrupt;

    // What is wrong with the options is an SC_REPORT_ERROR with etchsim_error()'s words.
    Chip(sc_core::sc_module_name name, const ChipOptions &options = ChipOptions());
    ~Chip() override;

    etchsim_chip *model() const // for what registers don't show, such as text; to be clocked by this module alone
    {
        return chip_.get();
    }

  private:
    struct Close {
        void operator()(etchsim_chip *chip) const
        {
            etchsim_close(chip);
        }
        void operator()(etchsim_bus *bus) const
        {
            etchsim_bus_close(bus);
        }
    };

    void b_transport(tlm::tlm_generic_payload &payload, sc_core::sc_time &delay);
    bool get_direct_mem_ptr(tlm::tlm_generic_payload &payload, tlm::tlm_dmi &dmi);
    unsigned transport_dbg(tlm::tlm_generic_payload &payload);
    tlm::tlm_sync_enum nb_transport_bw(tlm::tlm_generic_payload &payload, tlm::tlm_phase &phase, sc_core::sc_time &delay);

    void run();      // thread: the chip's clock
    void run_dma();  // thread: what it fetches
    void set_line(); // method: the interrupt
    bool advance(std::uint64_t until);
    void show_line(const sc_core::sc_time &when);
    sc_core::sc_time ahead() const; // how far the chip may be
    bool fetch(std::uint64_t address, unsigned char *bytes, unsigned n, sc_core::sc_time &delay);
    bool fetch_burst(std::uint64_t address, unsigned char *bytes, unsigned n, sc_core::sc_time &delay);
    sc_core::sc_time start_of(std::uint64_t cycle) const;       // when it begins
    std::uint64_t cycle_at(const sc_core::sc_time &time) const; // the first that begins then or later

    ChipOptions options_;
    std::unique_ptr<etchsim_chip, Close> chip_;
    std::unique_ptr<etchsim_bus, Close> bus_;
    double period_ps_ = 1000;
    sc_core::sc_time access_time_;
    bool line_ = false; // as last announced
    sc_core::sc_event kick_, dma_wanted_, response_;
    sc_core::sc_event_queue line_changed_;
    tlm::tlm_generic_payload payload_;
    std::vector<unsigned char> fetched_;
};

} // namespace etchsim

#endif
