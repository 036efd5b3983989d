// QEMU's plugin interface (docs/devel/tcg-plugins), declared here: distributions do not package its header.
#ifndef CYCLES_QEMU_H
#define CYCLES_QEMU_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;
enum { CB_NO_REGISTERS };
enum { READ_AND_WRITTEN = 3 }; // QEMU 7.2 calls some of the reads alone a write; flash is never written
typedef uint32_t qemu_plugin_meminfo_t;
typedef void (*accessed_t)(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address, void *user);
typedef void (*translated_t)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*executed_t)(unsigned int cpu, void *user);
typedef void (*ended_t)(qemu_plugin_id_t id, void *user);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated_t call);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, executed_t call, int flags, void *user);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, ended_t call, void *user);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, accessed_t call, int flags, int access,
                                      void *user);

// What QEMU looks for in a plugin.
extern int qemu_plugin_version;
// NOLINTNEXTLINE(misc-use-internal-linkage): the plugin defines it, QEMU calls it
int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv);

#endif // CYCLES_QEMU_H
