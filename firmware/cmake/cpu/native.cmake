set(CPU_FLAGS "")
