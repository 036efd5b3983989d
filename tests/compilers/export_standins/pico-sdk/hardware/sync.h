#pragma once

void __wfe(void);
