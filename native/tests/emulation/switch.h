// Leaving one stack and going on with another.
#pragma once

#include <cstddef>
#include <cstdint>

#ifndef __x86_64__
#include <ucontext.h>
#endif

namespace collie::emulation {

#ifdef __x86_64__

struct Context {
  void* stack_pointer = nullptr;
};

// Saves what the calling convention preserves, changes the stack, restores.
__attribute__((naked, noinline)) inline void switch_stack(void** from, void* to) {
  asm("push %rbp\n push %rbx\n push %r12\n push %r13\n push %r14\n push %r15\n mov %rsp, (%rdi)\n mov %rsi, %rsp\n"
      "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbx\n pop %rbp\n ret");
}

inline void switch_context(Context& from, Context& to) { switch_stack(&from.stack_pointer, to.stack_pointer); }

// One that begins with `entry`, which must not return.
inline Context make_context(char* stack, size_t bytes, void (*entry)()) {
  void** top = reinterpret_cast<void**>(reinterpret_cast<uintptr_t>(stack + bytes) & ~uintptr_t{15}) - 2;
  top[0] = reinterpret_cast<void*>(entry);
  for (int i = 1; i <= 6; ++i) top[-i] = nullptr;
  return {top - 6};
}

#else

struct Context {
  ucontext_t state;
};

inline void switch_context(Context& from, Context& to) { swapcontext(&from.state, &to.state); }

inline Context make_context(char* stack, size_t bytes, void (*entry)()) {
  Context context;
  getcontext(&context.state);
  context.state.uc_stack.ss_sp = stack;
  context.state.uc_stack.ss_size = bytes;
  context.state.uc_link = nullptr;
  makecontext(&context.state, entry, 0);
  return context;
}

#endif

}  // namespace collie::emulation
