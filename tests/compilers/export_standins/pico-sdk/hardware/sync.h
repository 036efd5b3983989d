#pragma once

void __wfi(void);
